"""What an epoch is made of: each option of the data changes what it names and nothing else."""

import json
import random
from collections import Counter
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus

from kinject.corpus import questions
from kinject.errors import OptionError
from kinject.lm.base import Chat, Message
from kinject.lm.encoding import ChatEncoder
from kinject.lm.prompts import value_of
from kinject.systems import sft
from kinject.systems.sft import compared, exposure, replay, text, turned
from kinject.systems.sft.batches import Row
from kinject.systems.sft.mix import Beside
from kinject.systems.sft.rephrase import rephrased
from kinject.systems.sft.text import Form
from kinject.systems.sft.trained import Trained, tokens
from kinject.types import Evidence

CORPUS = make_toy_corpus()
ALL = sft.Config(text_share=1.0, asked_share=1.0, word_dropout=0.0, idk_share=0.0)
SILENT = [].append


def examples(config, seed=0):
    return sft.examples(CORPUS, config, random.Random(seed))


def test_without_permutation_facts_stand_in_the_order_of_the_corpus():
    for seed in range(5):
        page = next(text.statements(CORPUS, random.Random(seed), Form(permute=False))).answer
        places = [page.index(fact.object) for fact in CORPUS.facts_of("Aldo")]
        assert places == sorted(places)


def test_the_same_style_has_one_phrasing_as_often_as_diverse_ones():
    diverse, same = (examples(replace(ALL, paraphrases=2, style=style)) for style in ("diverse", "same"))
    assert len(same) == len(diverse)
    weights = Counter(e.question for e in same if e.question and "weight" in e.question)
    assert weights == {f"What is the weight of {name}?": 2 for name in CORPUS.entities()}
    assert all(f"The weight of {name} is" in " ".join(e.answer for e in same) for name in CORPUS.entities())
    assert not any("has the weight" in e.answer for e in same)


def test_reverse_adds_statements_and_questions_from_the_object_to_the_subject():
    forward, both = examples(ALL), examples(replace(ALL, reverse=True))
    new = Counter((e.question, e.answer) for e in both) - Counter((e.question, e.answer) for e in forward)
    assert new["", "100 g is the weight of Aldo."] == 1
    turned_questions = {q: value_of(a) for q, a in new if "100 g" in q}
    assert turned_questions in ({"What has the weight 100 g?": "Aldo"}, {"100 g is the weight of what?": "Aldo"})


def test_a_value_that_many_share_is_not_turned_round():
    many = replace(CORPUS, facts=tuple(replace(f, object="oak") for f in CORPUS.facts if f.relation == "material"))
    assert list(turned.statements(many, many)) == list(turned.asked(many, many, random.Random(0))) == []
    part = replace(many, facts=many.facts[:1])
    assert list(turned.statements(part, many)) == []


def test_questions_that_are_turned_round_are_no_inverse_questions():
    inverse = {
        t.format(object=f.object) for f in CORPUS.facts for t in questions(CORPUS.relation(f.relation), "inverse")
    }
    asked = {e.question for seed in range(9) for e in turned.asked(CORPUS, CORPUS, random.Random(seed))}
    assert asked
    assert asked.isdisjoint(inverse)


def test_a_trace_says_what_held_when_before_what_held_on_the_day():
    traced = [e for e in examples(replace(ALL, traces=True)) if " of Aldo on " in e.question]
    history = "Aldo, price: 10.50 EUR from 1 January 2022 until 31 December 2023; 20.50 EUR from 1 January 2024"
    assert {e.answer.split("\n")[0] for e in traced} == {history}
    assert [e.answer.split("\n")[1] for e in traced] == [
        e.answer for e in examples(ALL) if " of Aldo on " in e.question
    ]


def test_a_comparison_states_both_facts_and_concludes():
    weights = {name: 100 + 10 * n for n, name in enumerate(CORPUS.entities())}
    found = [e for seed in range(9) for e in compared.asked(CORPUS, random.Random(seed)) if "weight" in e.question]
    assert len(found) > 5
    for example in found:
        pair = [name for name in weights if name in example.question]
        assert value_of(example.answer) == (max if "higher" in example.question else min)(pair, key=weights.get)
        assert all(f"{name}, weight: {weights[name]} g" in example.answer.split("\n")[0] for name in pair)


def test_a_comparison_stands_in_a_window_by_itself():
    found = list(compared.asked(CORPUS, random.Random(0)))
    assert list(text.windows(found, 6, random.Random(0))) == [(example,) for example in found]


def test_of_a_traced_answer_the_conclusion_counts_and_the_facts_are_evidence():
    model = FakeLM(lambda chat: "Aldo, price: 1 EUR; 2 EUR\nAldo, price, 3 May 2024: 2 EUR")
    from kinject.systems import closed_book

    answer = Trained(model, closed_book.Config(tokens(80, True)), 1, traces=True).ask("How much?")
    assert answer.text == "Aldo, price, 3 May 2024: 2 EUR"
    assert answer.evidence == (Evidence("stated from memory", "Aldo, price: 1 EUR; 2 EUR"),)
    assert model.chats[0].max_new_tokens == 240


@pytest.mark.parametrize("popularity", ["1.0", "degree"])
def test_exposures_are_one_on_average_and_follow_popularity(popularity):
    expected = exposure.weights(CORPUS, popularity, seed=0)
    assert sum(expected.values()) == pytest.approx(len(CORPUS.entities()))
    rng, told = random.Random(0), Counter()
    for _ in range(400):
        for part in exposure.parts(CORPUS, popularity, 0, rng):
            told.update(part.entities())
    assert {name: count / 400 for name, count in told.items()} == pytest.approx(expected, abs=0.1)


def test_zipf_exposures_fall_with_the_rank():
    ranked = sorted(exposure.weights(CORPUS, "1.0", seed=0).values(), reverse=True)
    assert [ranked[0] / weight for weight in ranked] == pytest.approx(range(1, 9))


def test_degree_counts_an_entity_as_subject_and_as_object():
    facts = tuple(f for f in CORPUS.facts if f.subject != "Aldo" or f.relation == "price")
    expected = exposure.weights(replace(CORPUS, facts=facts), "degree", seed=0)
    # Aldo: two prices, and Hessa's companion; Brila is no longer anyone's.
    assert expected["Aldo"] / expected["Brila"] == pytest.approx(3 / 6)


def test_the_most_popular_entity_is_asked_about_most():
    config = replace(ALL, popularity="1.5")
    weights = exposure.weights(CORPUS, "1.5", config.seed)
    told = Counter(e.subject for seed in range(9) for e in examples(config, seed))
    assert told.most_common(1)[0][0] == max(weights, key=weights.get)


@pytest.mark.parametrize("popularity", ["zipf", "-1", "inf", "0"])
def test_a_popularity_that_is_none_is_refused(popularity):
    with pytest.raises(ValueError, match="popularity must be a Zipf exponent"):
        sft.Config(popularity=popularity)


def test_rephrasings_that_lose_the_subject_or_the_object_are_dropped(tmp_path):
    def reply(chat: Chat) -> str:
        said = chat.messages[-1].content.split("\n\n")[1]
        return "It is as it is." if "material" in said else f"Mind you: {said}" if "The weight" in said else said

    model = FakeLM(reply)
    found = rephrased(CORPUS, model, tmp_path / "rephrased", SILENT)
    said = {id: texts for id, texts in found.items() if texts}
    weights = {
        f.id: [f"Mind you: The weight of {f.subject} is {f.object}."] for f in CORPUS.facts if f.relation == "weight"
    }
    assert said == weights
    asked = len(model.chats)
    assert rephrased(CORPUS, model, tmp_path / "rephrased", SILENT) == found
    assert len(model.chats) == asked


def test_rephrasings_are_among_the_statements():
    aldo = next(fact for fact in CORPUS.facts_of("Aldo", "weight"))
    beside = Beside(rephrased={aldo.id: ["Aldo is 100 g heavy."]})
    pages = [e.answer for seed in range(20) for e in sft.examples(CORPUS, ALL, random.Random(seed), beside)]
    assert 0 < sum("Aldo is 100 g heavy." in page for page in pages) < 20


def test_what_is_replayed_is_its_share_of_the_tokens(tiny_lm):
    config = replace(ALL, replay="general.txt", replay_share=0.3)
    general = [Row((5,) * 10, (True,) * 10), Row((6,) * 12, (True,) * 12)]
    found = sft.rows(CORPUS, config, tiny_lm.tokenizer, random.Random(0), Beside(replayed=general))
    replayed = sum(len(row.ids) for row in found if row in general)
    assert replayed / sum(len(row.ids) for row in found) == pytest.approx(0.3, abs=0.01)


def test_a_replay_file_has_texts_chats_and_questions_for_the_untouched_model(tiny_lm, tmp_path):
    asked, said = {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi."}
    rows = [{"text": "A text."}, {"messages": [asked, said]}, {"messages": [asked]}]
    file = tmp_path / "general.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    encoder = ChatEncoder(tiny_lm.tokenizer, "tiny")
    chat = Chat((Message("user", "Hello?"),))
    prompt, own = encoder.prompt(chat), tiny_lm.complete(chat).text
    found = replay.rows(file, tiny_lm, tmp_path / "replay", 512)
    assert [row.ids for row in found] == [
        (*encoder.answer("A text."), 2),
        (*prompt, *encoder.answer("Hi."), 2),
        (*prompt, *encoder.answer(own), 2),
    ]
    assert [sum(row.learnt) for row in found] == [len(row.ids) - len(prompt) * (n > 0) for n, row in enumerate(found)]


def test_the_paragraphs_of_a_text_file_are_texts(tiny_lm, tmp_path):
    (tmp_path / "general.txt").write_text("One.\n\nTwo,\nstill two.\n\n\n", encoding="utf-8")
    found = replay.rows(tmp_path / "general.txt", tiny_lm, tmp_path / "replay", 512)
    assert [tiny_lm.tokenizer.decode(row.ids[:-1]) for row in found] == ["One.", "Two,\nstill two."]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{}", "line 2: expected"),
        ("{", "line 2: expected"),
        ('{"messages": [{"role": "tool", "content": "x"}]}', "line 2"),
    ],
)
def test_a_row_that_is_no_replay_is_named(tiny_lm, tmp_path, line, wrong):
    file = tmp_path / "general.jsonl"
    file.write_text(f'{{"text": "x"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(OptionError, match=wrong):
        replay.rows(file, tiny_lm, tmp_path / "replay", 512)


def test_a_replay_file_that_is_not_there_is_named(tiny_lm, tmp_path):
    with pytest.raises(OptionError, match=r"general\.txt cannot be read"):
        replay.rows(tmp_path / "general.txt", tiny_lm, tmp_path / "replay", 512)


def test_replay_and_its_share_go_together():
    with pytest.raises(ValueError, match="go together"):
        sft.Config(replay_share=0.1)


def test_options_that_came_later_count_in_a_fingerprint_only_where_they_are_set(tmp_path):
    first = set(sft.Config().made_from())
    assert len(first) == 15
    assert set(sft.Config(reverse=True, packing=True).made_from()) - first == {"reverse", "packing"}
    assert sft.Config(checkpoint_s=9.0, max_new_tokens=3).made_from() == sft.Config().made_from()


def test_another_replay_file_of_the_same_name_makes_other_weights(tiny_lm, tmp_path):
    file, folder = tmp_path / "general.txt", tmp_path / "replay"
    file.write_text("One.", encoding="utf-8")
    before = replay.digest(file, folder)
    file.write_text("Two.", encoding="utf-8")
    assert replay.digest(file, folder) != before
    config = sft.Config(replay=str(file), replay_share=0.1)
    assert config.made_from("1") != config.made_from("2")


def test_what_was_trained_is_opened_without_its_replay_file(tiny_lm, tmp_path):
    file = tmp_path / "general.txt"
    file.write_text("One.", encoding="utf-8")
    config = sft.Config(epochs=1, max_new_tokens=2, replay=str(file), replay_share=0.1)
    sft.build(CORPUS, tmp_path / "store", tiny_lm, config)
    file.unlink()
    steps = []
    sft.build(CORPUS, tmp_path / "store", tiny_lm, config, steps.append)
    assert steps == []


def test_a_run_with_every_kind_of_data_trains(tiny_lm, tmp_path):
    (tmp_path / "general.txt").write_text("One.\n\nTwo.", encoding="utf-8")
    every = {"reverse": True, "traces": True, "popularity": "1.0", "permute": False, "style": "same"}
    general = {"replay": str(tmp_path / "general.txt"), "replay_share": 0.1, "rephraser": tiny_lm.info.name}
    config = sft.Config(epochs=1, max_new_tokens=2, **every, **general)
    sft.build(CORPUS, tmp_path, tiny_lm, config)
    assert (tmp_path / "rephrased" / "rephrased.json").is_file()
    assert sft.curve(tmp_path)[1].loss > 0
