"""The lab: lessons come by seed and hold nothing of a shipped corpus; pretraining resumes."""

import itertools
import json
import random
import re
from dataclasses import replace

import pytest

from kinject import corpus
from kinject.errors import OptionError
from kinject.lab import arguing, calling, lessons, marks, names, pretrain, questions, telling, worlds
from kinject.lab.lesson import Lesson
from kinject.systems.kg.tools import is_refusal

CORPORA = ["catalog", "presidents"]


def drawn(n: int, seed: int = 0) -> list[Lesson]:
    rng = random.Random(seed)
    return [lessons.draw(rng, rng.randrange(len(lessons.LEVELS))) for _ in range(n)]


@pytest.fixture(scope="module")
def text() -> str:
    said = [message for lesson in drawn(3000) for message in lesson.messages]
    # A tool that finds nothing says "no party known for ...", which teaches nothing about the value "no party".
    return "\n".join(m.content for m in said if not re.match(r"no .* known for ", m.content)).casefold()


def test_the_same_seed_draws_the_same_lessons():
    assert drawn(20) == drawn(20)


def test_an_exam_uses_frames_that_no_lesson_uses():
    train, held_out = worlds.frames("questions", "train"), worlds.frames("questions", "exam")
    assert set(train).isdisjoint(held_out)


@pytest.mark.parametrize("sort", names.lexicon()["composed"])
def test_every_slot_of_a_composed_frame_can_be_filled(sort):
    plain_frames = names.lexicon()["frames"][sort]
    for composed in names.lexicon()["composed"][sort]:
        filled = {names.filled(random.Random(seed), composed) for seed in range(30)}
        assert not [text for text in filled if "<" in text]
        assert len(filled) > 5 or "<" not in composed
        places = set(re.findall(r"{\w}", composed))
        assert any(places <= set(re.findall(r"{\w}", text)) for text in plain_frames)


@pytest.mark.parametrize("sort", names.lexicon()["composed"])
def test_the_exam_draws_no_composed_frame(sort):
    rng = random.Random(0)
    assert {worlds.frame(rng, sort, "exam") for _ in range(200)} <= set(worlds.frames(sort, "exam"))
    assert {worlds.frame(rng, sort) for _ in range(200)} - set(worlds.frames(sort, "train"))


def test_a_result_of_a_tool_is_what_the_graph_would_say():
    results = [
        message.content
        for ability in ("tool", "tool_inverse", "tool_missing", "tool_holder", "tool_chain", "tool_follow_up")
        for seed in range(40)
        for message in lessons.of_ability(random.Random(seed), ability, lessons.LEVELS[-1]).messages
        if message.role == "tool"
    ]
    assert all(is_refusal(result) != all(line.count(" | ") >= 2 for line in result.split("\n")) for result in results)
    assert {"nothing", "no", "several"} <= {result.split()[0] for result in results if is_refusal(result)}


def test_an_office_is_asked_for_by_its_name_and_a_day_alone():
    for seed in range(20):
        lesson = lessons.of_ability(random.Random(seed), "tool_holder", lessons.LEVELS[-1], "exam")
        call = next(m.tool_calls[0] for m in lesson.messages if m.tool_calls)
        question = next(m.content for m in lesson.messages if m.role == "user")
        assert call.name == "find_by_value"
        assert call.arguments["relation"] == call.arguments["value"] + " of"
        assert call.arguments["value"].casefold() in question.casefold()
        assert call.arguments["on"] in question


@pytest.mark.parametrize("calls", [2, 3])
def test_each_call_of_a_chain_asks_about_what_the_one_before_returned(calls):
    for seed in range(20):
        lesson = calling.chain(random.Random(seed), lessons.LEVELS[-1], "train", calls)
        assert sum(len(m.tool_calls) for m in lesson.messages) == calls
        for message, result in itertools.pairwise(lesson.messages):
            if message.role == "tool" and result.tool_calls:
                assert result.tool_calls[0].arguments["entity"] in message.content.split(" | ")
        assert lesson.gold in lesson.messages[-2].content.split(" | ")
        question = next(m.content for m in lesson.messages if m.role == "user")
        later = [m.tool_calls[0].arguments["entity"] for m in lesson.messages[3:] if m.tool_calls]
        assert not [name for name in later if occurs(name, question.casefold())]


def test_a_question_that_goes_on_leaves_out_what_the_one_before_it_said():
    for seed in range(30):
        lesson = lessons.of_ability(random.Random(seed), "tool_follow_up", lessons.LEVELS[-1])
        first, then = [m.content for m in lesson.messages if m.role == "user"]
        entity = next(m.tool_calls[0].arguments["entity"] for m in lesson.messages if m.tool_calls)
        assert occurs(entity, first.casefold()) != occurs(entity, then.casefold())


@pytest.mark.parametrize(("stance", "kept"), [("hold", {True}), ("yield", {False}), ("neutral", {True, False})])
def test_an_argument_without_evidence_ends_as_the_stance_has_it(stance, kept):
    drawn = [arguing.argue_unsupported(random.Random(n), lessons.LEVELS[4], "train", stance) for n in range(20)]
    assert {lesson.messages[-1].content == lesson.messages[2].content for lesson in drawn} == kept


def test_with_a_stance_half_of_the_lessons_teach_it():
    rng = random.Random(0)
    drawn = [lessons.draw(rng, 4, stance="hold") for _ in range(400)]
    taught = [lesson for lesson in drawn if lesson.ability == "arguing_unsupported"]
    assert 160 < len(taught) < 240
    assert all(lesson.messages[-1].content == lesson.messages[2].content for lesson in taught)


@pytest.mark.parametrize("ability", lessons.ABILITIES)
def test_every_ability_ends_in_an_answer_of_the_assistant(ability):
    lesson = lessons.of_ability(random.Random(3), ability, lessons.LEVELS[-1])
    assert lesson.messages[-1].role == "assistant"
    assert lesson.learn[-1]


@pytest.mark.parametrize("name", CORPORA)
def test_no_name_of_a_shipped_corpus_occurs_in_the_worlds(name, text):
    entities = corpus.load(corpus.find(name)).entities()
    assert [e for e in entities if occurs(e, text)] == []


@pytest.mark.parametrize("name", CORPORA)
def test_no_telling_value_of_a_shipped_corpus_occurs_in_the_worlds(name, text):
    """Numbers and dates are drawn from all there are; every other value must be new to mini."""
    loaded = corpus.load(corpus.find(name))
    kinds = {relation.name: relation.kind for relation in loaded.relations}
    values = {f.object for f in loaded.facts if kinds[f.relation] not in ("number", "date")}
    assert [v for v in sorted(values) if occurs(v, text)] == []


@pytest.mark.parametrize("name", CORPORA)
def test_no_test_question_of_a_shipped_corpus_is_a_frame_of_the_lessons(name):
    frames = names.lexicon()["frames"]
    sorts = ("questions", "inverse", "dated", "dated_inverse", "holder", "office_ask", "office_inverse")
    relations = corpus.load(corpus.find(name)).relations
    asked = [q for sort in sorts for frame in frames[sort] for q in worded(frame)]
    known = {plain(q.replace("{a}", r.name).replace("{r}", r.name)) for q in asked for r in relations}
    for concept in names.lexicon()["concepts"].values():
        known |= {plain(q) for frame in (*concept["ask"], *concept.get("inverse", ())) for q in worded(frame)}
    tests = [q for r in relations for q in (*r.test_questions, *r.inverse_questions)]
    assert [q for q in tests if plain(q) in known] == []


def worded(frame: str) -> list[str]:
    """Every wording of a frame with choices."""
    parts = re.split(r"\(([^()]*\|[^()]*)\)", frame)
    return ["".join(taken) for taken in itertools.product(*(part.split("|") for part in parts))]


def test_a_choice_in_a_frame_is_one_of_its_texts():
    frame = "{s} (runs|works) for {o} (on a full |per )charge ({a})."
    assert {names.filled(random.Random(seed), frame) for seed in range(60)} == set(worded(frame))
    assert len(worded(frame)) == 4


@pytest.mark.parametrize("seed", range(20))
def test_a_page_names_whom_it_tells_of_and_leaves_no_fact_out(seed):
    rng = random.Random(seed)
    world = worlds.make(rng, 3, 5)
    pages = [(telling.passage(rng, world, e, "train"), world.of(e)) for e in world.entities]
    for page, facts in [*pages, (telling.guide(rng, world.facts), world.facts)]:
        text, spans = marks.read(page)
        assert {f.key for f in facts} <= {span.key for span in spans}
        for fact in facts:
            told = min(span.end for span in spans if span.key == fact.key)
            ends = text.find(". ", told)
            assert any(span.start < (ends if ends > 0 else len(text)) for span in spans if span.key == fact.owner)


def test_a_sentence_goes_on_with_a_small_letter_unless_it_begins_with_a_name():
    begun = ["It weighs", "I tested", "SKU: 4", marks.mark("Aldo", marks.fact(0))]
    assert [worlds.small(text) for text in begun] == ["it weighs", *begun[1:]]


def test_nobody_holds_the_value_that_is_asked_for():
    for seed in range(60):
        rng = random.Random(seed)
        world = worlds.make(rng, 2, 4)
        if asked := questions.ask_nobody(rng, world, "train"):
            held = {f.value for f in world.facts if f.attribute == asked.attribute}
            assert marks.plain(asked.value) not in held
            assert marks.plain(asked.value) in marks.plain(asked.question)


def test_several_facts_of_one_relation_are_all_in_the_answer():
    rng, found = random.Random(6), 0
    for _ in range(200):
        lesson = lessons.of_ability(rng, "tool", lessons.LEVELS[-1])
        lines = lesson.messages[-2].content.split("\n")
        if len(lines) > 1:
            assert lesson.gold == ", ".join(line.split(" | ")[2] for line in lines)
            assert len({tuple(line.split(" | ")[:2]) for line in lines}) == 1
            found += 1
    assert found > 10


def test_a_list_of_relations_may_be_a_tables_header_and_is_spoken_of_in_other_letters():
    rng, headers, spoken = random.Random(7), 0, 0
    for _ in range(300):
        lesson = lessons.of_ability(rng, "tool", lessons.LEVELS[-1])
        listed = lesson.tools[0].parameters["properties"]["relation"]["enum"]
        (call,) = lesson.messages[-3].tool_calls
        name = call.arguments["relation"]
        assert name in listed
        assert all(line.split(" | ")[1] == name for line in lesson.messages[-2].content.split("\n"))
        headers += any(relation != names.spoken(relation) for relation in listed)
        spoken += name != names.spoken(name) and f" {names.spoken(name)} " in lesson.messages[-4].content
    assert headers > 40
    assert spoken > 0


def test_words_left_out_of_a_question_are_not_its_subject_nor_the_one_that_tells_most():
    frame, found = "Please tell me how heavy {s} really is today.", set()
    for seed in range(60):
        left = worlds.keywords(random.Random(seed), frame, "weight")
        assert {"heavy", "{s}"} <= set(left.split())
        assert [word for word in frame.split() if word in left.split()] == left.split()
        found.add(left)
    assert len(found) > 20


def test_the_same_pages_are_asked_for_a_fact_once():
    for seed in range(40):
        lesson = lessons.of_ability(random.Random(seed), "abstaining", lessons.LEVELS[5])
        said = [m.content.rpartition(": ")[0] for m in lesson.messages if m.role == "assistant"]
        assert len(said) == len(set(said))


def occurs(words: str, text: str) -> bool:
    found = words.casefold()
    return found in text and re.search(rf"(?<!\w){re.escape(found)}(?!\w)", text) is not None


def plain(template: str) -> str:
    for long, short in (("{subject}", "{s}"), ("{object}", "{o}"), ("{date}", "{d}")):
        template = template.replace(long, short)
    return re.sub(r"[^\w{}]+", " ", template).casefold().strip()


TINY = pretrain.Config(
    layers=2,
    width=32,
    heads=2,
    vocabulary=400,
    sample=200,
    workers=1,
    batch_tokens=512,
    draw=32,
    tokens=40_000,
    checkpoint_s=0.0,
)


@pytest.mark.parametrize("drawers", [0, 2])
def test_pretraining_resumes_to_the_same_weights(tmp_path, drawers):
    """Stopped after its first draw and run again, it ends where the run that was never stopped ends."""

    class Stop(Exception):
        pass

    def stop(step):
        raise Stop

    # The level rises with each batch, while draws that were asked for at the first level are under way.
    config = replace(TINY, drawers=drawers, pace=0.0)
    whole = pretrain.run(config, tmp_path / "whole")
    with pytest.raises(Stop):
        pretrain.run(config, tmp_path / "parts", stop)
    parts = pretrain.run(config, tmp_path / "parts")
    assert (whole / "model.safetensors").read_bytes() == (parts / "model.safetensors").read_bytes()


def test_pretraining_learns_something_in_a_few_steps(tmp_path):
    pretrain.run(TINY, tmp_path / "mini")
    assert learnt(tmp_path / "mini")


def learnt(out):
    curve = [json.loads(line) for line in (out.with_name(out.name + ".work") / "curve.jsonl").read_text().splitlines()]
    return curve[-1]["loss"] < curve[0]["loss"]


def test_pretraining_goes_on_from_a_model_that_it_wrote(tmp_path):
    first = pretrain.run(TINY, tmp_path / "first")
    read = recipe(first)["state"]["tokens"]
    more = pretrain.run(replace(TINY, start=str(first), tokens=2 * read), tmp_path / "more")
    assert recipe(more)["state"]["tokens"] >= 2 * read
    assert (more / "tokenizer.json").read_bytes() == (first / "tokenizer.json").read_bytes()


def test_going_on_without_a_step_leaves_the_weights_as_they_were(tmp_path):
    first = pretrain.run(TINY, tmp_path / "first")
    still = replace(TINY, start=str(first), tokens=TINY.tokens + 20_000, matrix_lr=0.0, other_lr=0.0)
    more = pretrain.run(still, tmp_path / "more")
    assert (more / "model.safetensors").read_bytes() == (first / "model.safetensors").read_bytes()
    read = [json.loads(line)["tokens"] for line in (more / pretrain.CURVE).read_text().splitlines()]
    assert read == sorted(read)
    assert read[0] < recipe(first)["state"]["tokens"] < read[-1]


def test_a_folder_of_another_training_is_left_alone(tmp_path):
    first = pretrain.run(replace(TINY, tokens=1000), tmp_path / "first")
    pretrain.run(replace(TINY, tokens=1000), tmp_path / "more")
    with pytest.raises(OptionError, match=r"more\.work is of another training"):
        pretrain.run(replace(TINY, start=str(first)), tmp_path / "more")


def recipe(model):
    return json.loads((model / "recipe.json").read_text())


def test_a_model_of_other_sizes_is_not_gone_on_from(tmp_path):
    first = pretrain.run(replace(TINY, tokens=1000), tmp_path / "first")
    with pytest.raises(OptionError, match="has width=32, found width=64"):
        pretrain.run(replace(TINY, start=str(first), width=64), tmp_path / "more")
    with pytest.raises(OptionError, match=r"has read \d+ tokens, found tokens=1000; give it more"):
        pretrain.run(replace(TINY, start=str(first), tokens=1000), tmp_path / "more")
    (first / "recipe.json").write_text("{}")
    with pytest.raises(OptionError, match="is not a recipe that pretrain wrote"):
        pretrain.run(replace(TINY, start=str(first)), tmp_path / "more")
    (first / "recipe.json").unlink()
    with pytest.raises(OptionError, match="found no"):
        pretrain.run(replace(TINY, start=str(first)), tmp_path / "more")
    assert not (tmp_path / "more.work").exists()


def test_two_workers_pretrain_one_model(tmp_path):
    pretrain.run(replace(TINY, workers=2, tokens=20_000), tmp_path / "mini")
    assert learnt(tmp_path / "mini")
    assert (tmp_path / "mini" / "model.safetensors").exists()


def test_drawers_are_for_one_worker():
    with pytest.raises(ValueError, match="drawers=2 go with workers=1"):
        replace(TINY, drawers=2, workers=2)


def test_more_workers_than_lessons_are_refused():
    with pytest.raises(ValueError, match="workers must be at least 1 and at most draw"):
        replace(TINY, workers=33)
