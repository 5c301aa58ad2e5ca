"""Lessons as tokens: rendered as the chat template renders them, and marked with where and what to look at."""

import random
import re
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from kinject.lab import batches, encoding, lessons, marks, pointers, pretrain
from kinject.lab.lesson import Lesson

TEMPLATE = Path(pretrain.__file__).parent.parent / "lm" / "mini"


def test_lessons_are_encoded_as_the_chat_template_renders_them():
    tokenizer = AutoTokenizer.from_pretrained(TEMPLATE)
    rng = random.Random(0)
    batch = [lessons.draw(rng, rng.randrange(len(lessons.LEVELS))) for _ in range(200)]
    for lesson, encoded in zip(batch, encoding.encode(tokenizer.backend_tokenizer, batch), strict=True):
        assert tokenizer.apply_chat_template(**chat_of(lesson), return_dict=False) == encoded.ids


def chat_of(lesson: Lesson) -> dict:
    messages = []
    for message in lesson.messages:
        calls = [{"function": {"name": c.name, "arguments": c.arguments}} for c in message.tool_calls]
        messages.append({"role": message.role, "content": message.content} | ({"tool_calls": calls} if calls else {}))
    tools = [{"type": "function", "function": {"name": t.name, "parameters": t.parameters}} for t in lesson.tools]
    return {"conversation": messages, "tools": tools or None}


def test_only_the_assistants_own_tokens_are_learnt():
    tokenizer = AutoTokenizer.from_pretrained(TEMPLATE)
    lesson = lessons.of_ability(random.Random(1), "closed_book", lessons.LEVELS[2])
    (encoded,) = encoding.encode(tokenizer.backend_tokenizer, [lesson])
    learnt = [i for i, flag in zip(encoded.ids, encoded.learnt, strict=True) if flag]
    assert tokenizer.decode(learnt) == "I don't know.<|im_end|>"


def test_marks_are_read_back_and_leave_the_plain_text():
    text = f"The {marks.mark('big ' + marks.mark('red', 'b', 'o'), 'a')} one"
    assert marks.read(text) == ("The big red one", [marks.Span(8, 11, "b", "o"), marks.Span(4, 11, "a", "\ue002")])
    assert marks.plain(text) == "The big red one"


def test_what_is_marked_by_a_key_can_be_written_otherwise():
    text = f"Which {marks.mark('sku', marks.ATTRIBUTE)} has {marks.mark('sku', marks.VALUE)}?"
    assert marks.plain(marks.changed(text, marks.ATTRIBUTE, str.upper)) == "Which SKU has sku?"
    assert marks.changed(text, marks.DAY, str.upper) == text


@pytest.mark.parametrize("ability", lessons.ABILITIES)
def test_no_mark_reaches_a_model(ability):
    lesson = lessons.of_ability(random.Random(4), ability, lessons.LEVELS[-1])
    assert not re.search("[\ue000-\uf8ff]", repr((lesson.messages, lesson.tools, lesson.gold)))


def linked(ability):
    """Encoded lessons with what their links say: (the token that is predicted, the tokens that are pointed at)."""
    tokenizer = AutoTokenizer.from_pretrained(TEMPLATE)
    batch = [lessons.of_ability(random.Random(n), ability, lessons.LEVELS[4]) for n in range(30)]
    return tokenizer, encoding.encode(tokenizer.backend_tokenizer, batch)


@pytest.mark.parametrize("ability", lessons.ABILITIES)
def test_a_batch_scores_the_answers_and_the_calls_that_are_learnt(ability):
    _, batch = linked(ability)
    found = batches.collate(random.Random(0), batch, pad=0, weight=0.1, share=0.1)
    learns_calls = ability.startswith("tool") and ability not in ("tool_off_list", "tool_turned")
    assert {name for name, _, _ in found.answers} == {ability, *([f"{ability}_call"] if learns_calls else [])}
    assert len(found.answers) == len(batch) * (1 + learns_calls)
    for name, first, end in found.answers:
        assert first < end <= len(found.positions), name


def test_no_share_of_the_prompt_leaves_what_is_learnt():
    _, batch = linked("tool")
    found = batches.collate(random.Random(0), batch, pad=0, weight=0.1, share=0.0)
    assert len(found.positions) == sum(sum(e.learnt) for e in batch)
    assert found.weights.min() >= 1


@pytest.mark.parametrize("ability", ["reading", "tool", "tool_inverse", "tool_chain", "holding"])
def test_a_copy_link_points_at_the_token_that_comes_next(ability):
    _, batch = linked(ability)
    copies = [(e.ids[link.position + 1], {e.ids[t] for t in link.targets}) for e in batch for link in e.copies]
    assert copies
    assert all(targets == {token} for token, targets in copies if targets != {batch[0].ids[0]})


def test_finding_nothing_points_at_the_first_token():
    tokenizer, batch = linked("abstaining")
    checked = 0
    for e in batch:
        last = len(e.ids) - 1 - e.ids[::-1].index(tokenizer.convert_tokens_to_ids("I"))
        if tokenizer.decode(e.ids[last:]).startswith("I don't know."):
            assert [link.targets for link in e.copies if link.position == last - 1] == [(0,)]
            checked += 1
    assert checked > 5


def test_the_end_of_a_copy_points_at_the_first_token():
    tokenizer, batch = linked("tool")
    for e in batch:
        ends = [e.ids[link.position + 1] for link in e.copies if link.targets == (0,)]
        assert tokenizer.convert_tokens_to_ids("<|im_end|>") in ends
        assert len(ends) >= 3


@pytest.mark.parametrize("ability", ["reading", "tool", "tool_inverse"])
def test_while_copying_the_model_looks_at_what_follows_in_the_context(ability):
    """Two tokens before it stands what was just copied; three before what `beyond` looks at."""
    _, batch = linked(ability)
    for e in batch:
        assert {link.position for link in e.ahead} == {link.position for link in e.beyond}
        assert e.ahead
        for links, distance in ((e.ahead, 2), (e.beyond, 3)):
            for link in links:
                assert max(link.targets) <= link.position
                assert {e.ids[target - distance] for target in link.targets} == {e.ids[link.position]}


def test_looking_ahead_is_learnt_by_the_middle_attention():
    """What a link says there is counted, and in no other layer."""
    config = pretrain.Config(layers=6, width=32, heads=4, vocabulary=64)
    model = pretrain.architecture(config, 0, 1)
    recorder = pointers.Recorder(model)
    model(input_ids=torch.tensor([[3, 4, 5, 6]]), use_cache=False)
    link = encoding.Link(3, (1,))
    for field in ({"ahead": [link]}, {"beyond": [link]}):
        wanted = pointers.collate([encoding.Encoded([3, 4, 5, 6], [], "", **field)], 4)
        gradients = torch.autograd.grad(
            recorder.loss(wanted),
            [model.model.layers[layer].self_attn.q_proj.weight for layer in (1, 3, 5)],
            retain_graph=True,
            allow_unused=True,
        )
        assert [g is not None and bool(g.any()) for g in gradients][1:] == [True, False]


def test_a_value_points_back_at_names_of_one_entity():
    tokenizer, batch = linked("reading")
    names_of = [
        {
            text[span.start : span.end]
            for m in lesson.marked
            for text, spans in [marks.read(m.content)]
            for span in spans
        }
        for lesson in (lessons.of_ability(random.Random(n), "reading", lessons.LEVELS[4]) for n in range(30))
    ]
    for e, known in zip(batch, names_of, strict=True):
        for link in e.owners:
            before = [tokenizer.decode(e.ids[: t + 1]) for t in link.targets]
            assert all(t <= link.position for t in link.targets)
            assert any(all(text.endswith(name) for text in before) for name in known)


def test_an_attention_that_points_right_costs_nothing():
    """A model of one layer whose heads are made to look at a position: the loss is its attention's cross-entropy."""
    config = pretrain.Config(architecture="qwen3", layers=1, width=32, heads=2, vocabulary=64)
    model = pretrain.architecture(config, 0, 1)
    recorder = pointers.Recorder(model)
    model(input_ids=torch.tensor([[3, 4, 5, 6]]), use_cache=False)
    everywhere = encoding.Encoded([3, 4, 5, 6], [], "", copies=[encoding.Link(3, (0, 1, 2, 3))])
    somewhere = encoding.Encoded([3, 4, 5, 6], [], "", copies=[encoding.Link(3, (1,))])
    losses = [float(recorder.loss(pointers.collate([e], 4)).detach()) for e in (everywhere, somewhere)]
    assert losses[0] == pytest.approx(0, abs=1e-5)
    assert losses[1] > 0.1


def test_a_value_in_a_page_carries_the_name_of_its_attribute():
    """Names stand where a value begins, are spelled as in an answer, and are there whatever words the sentence uses."""
    tokenizer, batch = linked("reading")
    told = [lessons.of_ability(random.Random(n), "reading", lessons.LEVELS[4]).told.values() for n in range(len(batch))]
    otherwise = 0
    for e, names_of in zip(batch, told, strict=True):
        assert e.names
        for name in e.names:
            called = tokenizer.decode(list(name.ids)).strip()
            assert called in names_of
            assert name.position in {link.position for link in e.cues}
            otherwise += called not in tokenizer.decode(e.ids[max(0, name.position - 12) : name.position])
    assert otherwise > 30


def test_naming_costs_less_where_the_model_knows_the_name():
    """Two names: what enters the last attention is one of them, then the other."""
    config = pretrain.Config(architecture="qwen3", layers=1, width=32, heads=2, vocabulary=64)
    model = pretrain.architecture(config, 0, 1)
    recorder = pointers.Recorder(model)
    embedded = model.get_input_embeddings().weight
    model.model.layers[0].input_layernorm = torch.nn.Identity()
    model(input_ids=torch.tensor([[3, 4, 5, 3]]), use_cache=False)
    with torch.no_grad():
        embedded.mul_(100)

    def cost(*names):
        encoded = encoding.Encoded([3, 4, 5, 3], [], "", names=[encoding.Name(at, (token,)) for at, token in names])
        return float(recorder.naming(pointers.collate([encoded], 4).names).detach())

    assert cost() == 0
    assert cost((0, 3), (1, 4)) < 0.1 < 1 < cost((0, 4), (1, 3))
