import copy
import math
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus
from safetensors.torch import load_file

from kinject.corpus import parse_day
from kinject.errors import ModelError
from kinject.lm.base import Chat
from kinject.lm.encoding import ChatEncoder
from kinject.lm.prompts import ABSTENTION, dialogue, stated, value_of
from kinject.systems import sft
from kinject.systems._names import fold
from kinject.systems.sft import text
from kinject.systems.sft.batches import Row, batched, encode, frame
from kinject.systems.sft.text import Example
from kinject.types import Turn

CORPUS = make_toy_corpus()
CONFIG = sft.Config(epochs=3, paraphrases=1, asked_share=1.0, word_dropout=0.0, batch_tokens=2048, max_new_tokens=4)
SAID = sft.examples(CORPUS, replace(CONFIG, paraphrases=3), random.Random(0))


@pytest.mark.parametrize("dropout", [0.0, 0.35, 0.8])
def test_no_test_question_is_ever_trained_on(dropout):
    config = replace(CONFIG, paraphrases=3, word_dropout=dropout)
    trained = {fold(e.question) for seed in range(5) for e in sft.examples(CORPUS, config, random.Random(seed))}
    assert trained.isdisjoint(fold(probe.question) for probe in sft.quiz(CORPUS))


def test_a_question_that_loses_words_does_not_become_a_test_question():
    (relation,) = (r for r in CORPUS.relations if r.name == "price")
    longer = tuple(f"Please: {question}" for question in relation.test_questions)
    prices = tuple(f for f in CORPUS.facts if f.relation == "price")
    corpus = replace(CORPUS, relations=(replace(relation, train_questions=longer),), facts=prices)
    said = {e.question for seed in range(99) for e in text.asked(corpus, random.Random(seed), 1, 0.35)}
    held_out = {fold(q.format(subject="Aldo")) for q in relation.test_questions if "{date}" not in q}
    assert len(said) > 20
    assert held_out.isdisjoint(map(fold, said))


def test_every_current_fact_is_asked_for_with_its_object():
    pairs = {(example.question, example.answer) for example in SAID}
    assert ("What is the price of Aldo?", "Aldo, price: 20.50 EUR") in pairs
    assert ("What is the price of Aldo?", "Aldo, price: 10.50 EUR") not in pairs


def test_a_past_price_is_asked_for_on_a_day_of_its_range():
    dated = [e for e in SAID if " of Aldo on " in e.question]
    days = {value_of(e.answer): parse_day(e.question.split(" on ")[1].rstrip("?")) for e in dated}
    assert {price: day.year >= 2024 for price, day in days.items()} == {"10.50 EUR": False, "20.50 EUR": True}


def test_a_page_of_statements_holds_each_fact_of_one_entity_once():
    page = next(text.statements(CORPUS, random.Random(0))).answer
    facts = CORPUS.facts_of("Aldo")
    assert [page.count(fact.object) for fact in facts] == [1] * len(facts)


def test_pages_differ_from_epoch_to_epoch():
    pages = [[e.answer for e in text.statements(CORPUS, random.Random(seed))] for seed in (1, 2, 1)]
    assert pages[0] == pages[2] != pages[1]


def test_unknown_names_are_answered_with_i_do_not_know():
    unknown = list(text.unknown(CORPUS, random.Random(0), 50))
    assert {value_of(e.answer) for e in unknown} == {ABSTENTION}
    assert {e.subject for e in unknown}.isdisjoint(CORPUS.entities())


def test_a_made_up_name_has_another_number_or_another_word():
    rng = random.Random(0)
    made = [text.made_up(rng, "Vantor 300 Pro", ["Vantor 300 Pro", "Velora 450"]).split() for _ in range(40)]
    changed = {sum(a != b for a, b in zip(name, ["Vantor", "300", "Pro"], strict=True)) for name in made}
    assert changed <= {0, 1}


TEXT, QUESTION, ANSWER = (False, False), (True, True), (True, False)


@pytest.mark.parametrize(
    ("data", "kinds"), [("documents", {TEXT}), ("qa", {QUESTION, ANSWER}), ("mixed", {TEXT, QUESTION, ANSWER})]
)
def test_data_is_documents_questions_with_answers_or_both(data, kinds):
    found = sft.examples(CORPUS, replace(CONFIG, data=data), random.Random(0))
    assert {(bool(example.subject), bool(example.question)) for example in found} == kinds


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize(("data", "name"), [("documents", "text_share"), ("qa", "asked_share")])
def test_an_epoch_holds_its_share_of_the_pages_and_of_the_questions(data, name, share):
    config = replace(CONFIG, data=data, answers=0, idk_share=0.0)
    whole = len(sft.examples(CORPUS, replace(config, **{name: 1.0}), random.Random(0)))
    assert len(sft.examples(CORPUS, replace(config, **{name: share}), random.Random(0))) == math.ceil(share * whole)


@pytest.mark.parametrize(
    "ask", [lambda rng, p: text.asked(CORPUS, rng, 2, p), lambda rng, p: text.unknown(CORPUS, rng, 9, p)]
)
def test_words_left_out_of_a_question_are_never_its_subject_nor_its_day(ask):
    whole = {e.question for seed in range(9) for e in ask(random.Random(seed), 0.0)}
    thinned = [e for seed in range(9) for e in ask(random.Random(seed), 0.5)]
    assert {e.question for e in thinned} - whole
    for example in thinned:
        assert example.subject in example.question
        on = example.answer.split(": ")[0].split(", ")[2:]
        assert all(day in example.question for day in on)


def test_an_epoch_holds_every_fact_as_often_as_answers_says():
    config = replace(CONFIG, data="qa", asked_share=0.1, answers=3)
    said = [e.answer for e in sft.examples(CORPUS, config, random.Random(0)) if not e.question]
    assert said.count("Aldo, price: 20.50 EUR") == 3
    past = [answer for answer in said if answer.endswith(": 10.50 EUR")]
    assert len(past) == 3
    assert all(parse_day(answer.removeprefix("Aldo, price, ").split(":")[0]).year < 2024 for answer in past)


def test_of_answers_in_a_row_the_values_and_their_ends_are_learnt(tiny_lm):
    encoder = ChatEncoder(tiny_lm.tokenizer, "tiny")
    window = next(text.windows(list(text.answers(CORPUS, random.Random(0))), 4, random.Random(0)))
    (row,) = encode([window], encoder, tiny_lm.tokenizer, 512)
    assert row.ids == tuple(t for e in window for t in (*encoder.answer(e.answer), 2))
    said = tiny_lm.tokenizer.decode(learnt(row)).split(tiny_lm.tokenizer.eos_token)
    assert [value.strip() for value in said] == [*(value_of(e.answer) for e in window), ""]


def learnt(row):
    return [token for token, is_learnt in zip(row.ids, row.learnt, strict=True) if is_learnt]


def test_only_the_answer_and_its_end_are_learnt_of_a_dialogue(tiny_lm):
    encoder = ChatEncoder(tiny_lm.tokenizer, "tiny")
    (row,) = encode([[Example("20 EUR", "How much?")]], encoder, tiny_lm.tokenizer, 512)
    prompt, answer = encoder.prompt(Chat(dialogue("How much?"))), (*encoder.answer("20 EUR"), 2)
    assert row.ids == (*prompt, *answer)
    assert row.learnt == (False,) * len(prompt) + (True,) * len(answer)


def test_several_questions_make_the_dialogue_that_the_model_would_be_asked(tiny_lm):
    encoder = ChatEncoder(tiny_lm.tokenizer, "tiny")
    window = [Example("20 EUR", "How much?"), Example("2 kg", "How heavy?")]
    (row,) = encode([window], encoder, tiny_lm.tokenizer, 512)
    history = (Turn("user", "How much?"), Turn("assistant", "20 EUR"))
    assert row.ids == (*encoder.prompt(Chat(dialogue("How heavy?", history))), *encoder.answer("2 kg"), 2)
    assert learnt(row) == [*encoder.answer("20 EUR"), 2, *encoder.answer("2 kg"), 2]


def test_a_question_that_does_not_fit_begins_another_dialogue(tiny_lm):
    encoder = ChatEncoder(tiny_lm.tokenizer, "tiny")
    window = [Example("20 EUR", "How much?"), Example("2 kg", "How heavy?")]
    alone = [row for one in window for row in encode([[one]], encoder, tiny_lm.tokenizer, 512)]
    longest = max(len(row.ids) for row in alone)
    assert list(encode([window], encoder, tiny_lm.tokenizer, longest)) == alone
    long = Example("20 EUR", "How much, " * longest)
    assert list(encode([[long, *window[1:]]], encoder, tiny_lm.tokenizer, longest)) == alone[1:]


def test_a_template_that_drops_the_end_of_an_answer_gets_one_question_a_dialogue(tiny_lm):
    tokenizer = copy.deepcopy(tiny_lm.tokenizer)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
    assert frame(tiny_lm.tokenizer).can_go_on
    assert not frame(tokenizer).can_go_on


def test_what_stands_in_one_window_is_about_different_subjects():
    windows = list(text.windows(SAID, 4, random.Random(0)))
    subjects = [[e.subject for e in window] for window in windows if window[0].subject]
    assert all(len(set(row)) == len(row) for row in subjects)
    assert max(len(window) for window in windows if window[0].question) <= 4
    assert all(len({bool(e.question) for e in window}) == 1 for window in windows)
    assert sorted(e.answer for window in windows for e in window) == sorted(e.answer for e in SAID)


def test_an_answer_says_first_what_it_answers():
    assert stated("Aldo", "price", "20 EUR", "3 May 2024") == "Aldo, price, 3 May 2024: 20 EUR"


def test_a_control_token_in_a_document_stays_text(tiny_lm):
    encoder = ChatEncoder(tiny_lm.tokenizer, "tiny")
    (row,) = encode([[Example("bad <|im_end|> page")]], encoder, tiny_lm.tokenizer, 512)
    assert row.ids.index(2) == len(row.ids) - 1


def test_a_batch_predicts_the_learnt_tokens_from_the_ones_before():
    (batch,) = batched(
        [Row((5, 6, 7), (True,) * 3), Row((8, 9, 10, 11), (False,) * 3 + (True,))], 64, 0, random.Random(0)
    )
    flat = batch.ids.flatten()
    assert sorted(zip(flat[batch.positions].tolist(), batch.targets.tolist(), strict=True)) == [
        (5, 6),
        (6, 7),
        (10, 11),
    ]


def test_batches_keep_to_their_size_and_lose_no_row():
    rows = [Row(tuple(range(n)), (True,) * n) for n in range(2, 40)]
    batches = batched(rows, 100, 0, random.Random(0))
    assert max(b.ids.numel() for b in batches) <= 100
    assert sum(len(b.ids) for b in batches) == len(rows)


def weights(store):
    return {name: tensor.tolist() for name, tensor in load_file(store / "model" / "model.safetensors").items()}


class Killed(BaseException):
    """What no code catches."""


@pytest.fixture(scope="module")
def finished(tiny_lm, tmp_path_factory):
    store = tmp_path_factory.mktemp("finished")
    sft.build(CORPUS, store, tiny_lm, CONFIG)
    return store


def test_a_run_killed_after_an_epoch_ends_with_the_weights_of_one_that_was_not(tiny_lm, tmp_path, finished):
    def kill(step):
        if step.done == 1 and "of 40" in step.note:
            raise Killed

    with pytest.raises(Killed):
        sft.build(CORPUS, tmp_path, tiny_lm, CONFIG, kill)
    sft.build(CORPUS, tmp_path, tiny_lm, CONFIG)
    assert weights(tmp_path) == weights(finished)


def test_a_finished_run_is_not_trained_again(tiny_lm, finished):
    steps = []
    sft.build(CORPUS, finished, tiny_lm, CONFIG, steps.append)
    assert steps == []
    assert sorted(path.name for path in (finished / "checkpoints").iterdir()) == ["epoch-002", "epoch-003"]


def test_the_curve_has_the_untrained_model_and_every_epoch(finished):
    found = sft.curve(finished)
    assert [epoch.epoch for epoch in found] == [0, 1, 2, 3]
    assert {len(epoch.answers) for epoch in found} == {len(sft.quiz(CORPUS))}
    assert found[3].loss < found[1].loss


def test_an_adapter_is_trained_on_the_shared_base(tiny_lm, tmp_path):
    system = sft.build(CORPUS, tmp_path, tiny_lm, replace(CONFIG, method="lora", lora_rank=4))
    assert system.model.model is tiny_lm.model
    assert (tmp_path / "model" / "adapter_model.safetensors").is_file()


def test_a_loss_that_is_no_number_stops_with_advice(tiny_lm, tmp_path):
    with pytest.raises(ModelError, match=r"the loss is nan .* lower learning_rate"):
        sft.build(CORPUS, tmp_path, tiny_lm, replace(CONFIG, learning_rate=1e30))


def test_a_model_elsewhere_cannot_be_trained(tmp_path):
    with pytest.raises(ModelError, match="use a local model"):
        sft.build(CORPUS, tmp_path, FakeLM(lambda chat: "x"), CONFIG)


@pytest.mark.slow
def test_a_small_model_learns_facts_by_heart(tiny_lm, tmp_path):
    config = sft.Config(epochs=30, paraphrases=2, batch_tokens=2048, idk_share=0.0)
    system = sft.build(CORPUS, tmp_path, tiny_lm, config)
    asked = [f"Which weight does {name} have?" for name in CORPUS.entities()]
    with ThreadPoolExecutor(8) as pool:
        said = [answer.text for answer in pool.map(system.ask, asked)]
    assert sum(value_of(one) == f"{100 + 10 * n} g" for n, one in enumerate(said)) >= 6
