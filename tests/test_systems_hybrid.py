"""hybrid: which part answers, on what evidence, at what cost, and from what the run has already built."""

import random
import shutil
from dataclasses import dataclass, replace

import pytest
from conftest import FakeLM, make_toy_corpus

from kinject.corpus import questions as templates
from kinject.errors import ModelError, OptionError, PromptTooLongError, StoreError
from kinject.lm.base import ToolCall
from kinject.lm.prompts import ABSTENTION, reading
from kinject.options import fill
from kinject.store import artifact_is, new_artifact
from kinject.systems import hybrid, rag
from kinject.systems.hybrid import calibration, dev, raft
from kinject.systems.hybrid.blended import answered_by
from kinject.systems.hybrid.calibration import Calibration, Scale
from kinject.systems.hybrid.dev import Tried
from kinject.systems.hybrid.parts import Site
from kinject.systems.hybrid.rag_kg import FromTools, RagKg
from kinject.systems.hybrid.router import Popularity, Router
from kinject.systems.hybrid.values import SameValue, abstains
from kinject.types import Answer, Evidence, Probe, Record, Turn, Usage, Verdict

CORPUS = make_toy_corpus()
SAME = SameValue(CORPUS)
AS_IT_IS = Calibration(Scale(), Scale(), 0.8)
LOOKED_UP = (Evidence('get_fact("Aldo")', "Aldo | weight | 100 g", 1.0),)
NOTHING = (Evidence('get_fact("Ildo")', "no entity named Ildo", 1.0),)
DONT_KNOW = f"Aldo, weight: {ABSTENTION}"


@dataclass
class Says:
    """A part that always says the same, or finds the dialogue too long."""

    text: str
    confidence: float = 0.9
    evidence: tuple[Evidence, ...] = ()
    too_long: bool = False
    asked: int = 0

    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        self.asked += 1
        if self.too_long:
            raise PromptTooLongError("too long")
        return Answer(self.text, self.confidence, self.evidence, Usage(10, 2, 1, 0.5))


def kg_then_rag(kg, rag, found=LOOKED_UP, confidence=0.9, calibrated=AS_IT_IS):
    return RagKg(FromTools(Says(kg, confidence, found)), Says(rag, 0.7), calibrated, SAME)


def said(system, question="How heavy is Aldo?", history=()):
    answer = system.ask(question, history)
    return answered_by(answer), answer.text, answer.evidence[0].text


def test_kg_answers_alone_what_its_tools_found():
    system = kg_then_rag("100 g", "200 g")
    assert said(system) == ("kg", "100 g", "its tools found it")
    assert system.rag.asked == 0


@pytest.mark.parametrize(
    ("kg", "found"), [(DONT_KNOW, LOOKED_UP), ("100 g", NOTHING), ("a guess", ()), ("", LOOKED_UP)]
)
def test_rag_answers_where_kg_found_nothing(kg, found):
    assert said(kg_then_rag(kg, "200 g", found)) == ("rag", "200 g", "kg found nothing")


def test_what_kg_says_again_without_a_tool_stands_in_a_dialogue():
    history = (Turn("user", "How heavy is Aldo?"), Turn("assistant", "100 g"))
    assert said(kg_then_rag("100 g", "200 g", ()), "Are you sure?", history)[0] == "kg"


@pytest.mark.parametrize(
    ("rag", "reason"), [(DONT_KNOW, "rag does not know"), ("Aldo, weight: 100.0 g.", "rag says the same")]
)
def test_an_unsure_kg_stands_where_rag_does_not_contradict_it(rag, reason):
    assert said(kg_then_rag("Aldo, weight: 100 g", rag, confidence=0.3))[::2] == ("kg", reason)


@pytest.mark.parametrize(("confidence", "taken"), [(0.75, "kg"), (0.65, "rag")])
def test_where_they_disagree_the_surer_one_is_taken_and_both_are_told(confidence, taken):
    by, _, reason = said(kg_then_rag("100 g", "200 g", confidence=confidence))
    expected = f"they disagree: kg says 100 g (right with a chance of {confidence:.2f}), rag says 200 g (0.70)"
    assert (by, reason) == (taken, expected)


def test_a_blend_keeps_all_evidence_and_sums_what_its_parts_cost():
    answer = kg_then_rag("100 g", "100 g", confidence=0.5).ask("How heavy is Aldo?")
    assert answer.evidence[1:] == LOOKED_UP
    assert answer.usage == Usage(20, 4, 2, 1.0)


def test_the_confidence_is_the_chance_to_be_right_of_the_part_that_is_taken():
    halved = Calibration(Scale(0.0, 0.0), Scale(), 0.8)
    answer = kg_then_rag("100 g", "", calibrated=halved).ask("How heavy is Aldo?")
    assert (answer.confidence, answer.confidence_method) == (0.5, "calibrated")


def test_one_part_answers_where_the_dialogue_is_too_long_for_the_other():
    too_long = Says("", too_long=True)
    assert said(RagKg(FromTools(too_long), Says("200 g"), AS_IT_IS, SAME))[:2] == ("rag", "200 g")
    assert said(RagKg(FromTools(Says("100 g", 0.1, LOOKED_UP)), too_long, AS_IT_IS, SAME))[:2] == ("kg", "100 g")
    with pytest.raises(PromptTooLongError):
        RagKg(FromTools(too_long), too_long, AS_IT_IS, SAME).ask("How heavy is Aldo?")


def routed(weights, popularity=None, threshold=0.8):
    return Router("sft", weights, Says("200 g"), replace(AS_IT_IS, threshold=threshold), popularity)


@pytest.mark.parametrize(
    ("weights", "by", "reason"),
    [
        (Says("100 g", 0.9), "sft", "it is sure: 0.90"),
        (Says("100 g", 0.7), "rag", "sft is not sure: 0.70"),
        (Says(DONT_KNOW, 0.9), "rag", "sft does not know"),
        (Says("", too_long=True), "rag", "sft does not know"),
    ],
)
def test_a_router_by_confidence_asks_the_weights_first(weights, by, reason):
    assert said(routed(weights))[::2] == (by, reason)


def test_a_router_by_popularity_asks_the_weights_about_what_is_often_spoken_of_only():
    weights = Says("100 g", 0.1)
    times = Popularity(CORPUS)(["How heavy is Aldo?"])
    assert said(routed(weights, Popularity(CORPUS), times)) == (
        "sft",
        "100 g",
        f"the corpus speaks of it {times} times",
    )
    assert said(routed(weights, Popularity(CORPUS), times + 1))[0] == "rag"
    assert weights.asked == 1


def test_popularity_counts_facts_from_and_to_an_entity_and_its_names_in_documents():
    aldo, documents = "Aldo", sum(document.text.count("Aldo") for document in CORPUS.documents)
    facts = sum((fact.subject == aldo) + (fact.object == aldo) for fact in CORPUS.facts)
    assert Popularity(CORPUS)(["And aldo's weight?"]) == facts + documents
    assert Popularity(CORPUS)(["And the weight of Ildo?"]) == 0


def test_the_threshold_is_the_lowest_of_those_with_most_right_answers():
    sure, unsure, guess = (Tried(True, right, c) for right, c in ((True, 0.9), (True, 0.6), (False, 0.3)))
    second = [Tried(True, right, 0.5) for right in (False, False, True)]
    first = [sure, unsure, guess]
    assert calibration.threshold([one.confidence for one in first], first, second) == 0.6
    assert calibration.threshold([0.9, 0.6], [sure, unsure], second[:2]) == 0.0
    assert calibration.threshold([0.3], [guess], second[2:]) > 0.3


def test_a_scale_learns_the_chance_to_be_right_from_the_answers_that_were_given():
    tried = [Tried(True, n % 4 > 0, 0.9) for n in range(80)] + [Tried(True, n % 4 == 0, 0.1) for n in range(80)]
    scale = calibration.fit([*tried, *[Tried(False, True, 0.99)] * 50])
    assert (round(scale(0.9), 1), round(scale(0.1), 1)) == (0.7, 0.3)
    assert calibration.fit([Tried(True, True, 0.5)] * 8)(0.5) == pytest.approx(0.9, abs=0.01)
    assert calibration.fit([])(0.9) == 0.5


def test_dev_questions_are_training_questions_and_a_quarter_are_about_made_up_names():
    asked = dev.questions(CORPUS, 40, random.Random(0))
    unseen = {t.format(subject=name, date="") for r in CORPUS.relations for t in templates(r, "test") for name in "A"}
    assert [sum(bool(one.gold) for one in asked), sum(not one.gold for one in asked)] == [30, 10]
    assert {one.question for one in asked} & unseen == set()
    assert {one.question.partition(" ")[0] for one in asked} <= {"What", "Tell"}


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("Aldo, weight: 100.0 g", ("100 g",), (True, True)),
        ("110 g", ("100 g",), (True, False)),
        (DONT_KNOW, ("100 g",), (False, False)),
        (ABSTENTION, (), (False, True)),
        ("100 g", (), (True, False)),
    ],
)
def test_an_abstention_is_right_about_made_up_names_only(text, gold, expected):
    (tried,) = dev.put(Says(text), [dev.DevQuestion("How heavy?", gold)], SAME, lambda step: None)
    assert (tried.answered, tried.right) == expected


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Aldo, price: 20.50 EUR", "20.5 EUR.", True),
        ("1 May 2020", "2020-05-01", True),
        ("steel", "Steel.", True),
        ("100 g", "100 kg", False),
    ],
)
def test_values_are_the_same_under_the_rules_of_the_graph(one, two, same):
    assert SAME(one, two) is same


def test_an_answer_abstains_whether_or_not_it_says_first_what_was_asked():
    assert [abstains(text) for text in (ABSTENTION, DONT_KNOW, "i don't know that", "", "100 g")] == [True] * 4 + [
        False
    ]


def look_up(chat):
    """A model that calls get_fact of Aldo's weight where it has tools, and reads 200 g where it has not."""
    if any(message.role == "tool" for message in chat.messages):
        return "Aldo, weight: 100 g"
    return ToolCall("get_fact", {"entity": "Aldo", "relation": "weight", "on": ""}) if chat.tools else "200 g"


def bm25(**options):
    return hybrid.Config(parts="rag.retriever=bm25,rag.k=2", **options)


def test_a_blend_of_rag_and_kg_needs_no_weights_on_this_machine(tmp_path):
    system = hybrid.build(CORPUS, tmp_path, FakeLM(look_up), bm25(dev=12))
    answer = system.ask("Which weight does Aldo have?")
    assert (answered_by(answer), answer.text) == ("kg", "Aldo, weight: 100 g")
    assert system.rag.config.k == 2


def test_a_router_over_closed_book_needs_none_either(tmp_path):
    system = hybrid.build(CORPUS, tmp_path, FakeLM(look_up), bm25(blend="router", dev=0, threshold=0.99))
    assert said(system)[::2] == ("rag", "closed_book is not sure: 0.74")


@pytest.mark.parametrize(("blend", "needs"), [("sft_rag", "sft_rag trains weights"), ("router", "sft trains weights")])
def test_a_blend_that_trains_says_that_it_needs_them(tmp_path, blend, needs):
    with pytest.raises(ModelError, match=needs):
        hybrid.build(CORPUS, tmp_path, FakeLM(look_up), bm25(blend=blend, router_first="sft"))


def test_what_was_calibrated_is_kept_until_an_option_changes(tmp_path):
    model = FakeLM(look_up)
    first = hybrid.build(CORPUS, tmp_path, model, bm25(dev=12))
    asked = len(model.chats)

    def refuse(step):
        raise StoreError("would be built again")

    assert hybrid.build(CORPUS, tmp_path, model, bm25(dev=12), refuse).calibration == first.calibration
    assert len(model.chats) == asked
    with pytest.raises(StoreError, match="built again"):
        hybrid.build(CORPUS, tmp_path, model, bm25(dev=13), refuse)


def test_a_given_threshold_is_taken_instead_of_the_calibrated_one(tmp_path):
    system = hybrid.build(CORPUS, tmp_path, FakeLM(look_up), bm25(dev=12, threshold=0.25))
    assert system.calibration.threshold == 0.25
    assert system.calibration.first != Scale()


def test_a_part_is_taken_over_from_the_run_and_lives_on_without_it(tmp_path):
    run, model = tmp_path / "systems", FakeLM(look_up)
    config = rag.Config(retriever="bm25", k=2)
    rag.build(CORPUS, run / "rag", model, config)

    def refuse(step):
        raise StoreError("would be built again")

    site = Site(CORPUS, run / "hybrid", model, "rag.retriever=bm25,rag.k=2", refuse)
    assert site.part("rag").config == config
    shutil.rmtree(run / "rag" / "index")
    assert site.part("rag").config == config


def test_checkpoints_and_further_seeds_are_not_taken_over(tmp_path):
    for name in ("index", "checkpoints", "seed-1"):
        with new_artifact(tmp_path / "rag" / name, name) as folder:
            (folder / "file").write_text(name, encoding="utf-8")
    site = Site(CORPUS, tmp_path / "hybrid", FakeLM(look_up), "", lambda step: None)
    site.part("kg")
    assert [path.name for path in sorted(site._store("rag").iterdir())] == ["index"]
    assert artifact_is(tmp_path / "hybrid" / "rag" / "index", "index")


def test_a_part_of_other_options_is_built_anew_and_the_runs_own_stays_as_it_is(tmp_path):
    rag.build(CORPUS, tmp_path / "rag", FakeLM(look_up), rag.Config(retriever="bm25"))
    before = (tmp_path / "rag" / "index" / "chunks.jsonl").read_text(encoding="utf-8")
    Site(CORPUS, tmp_path / "hybrid", FakeLM(look_up), "rag.chunk_words=20", lambda step: None).part("rag")
    assert (tmp_path / "hybrid" / "rag" / "index" / "chunks.jsonl").read_text(encoding="utf-8") != before
    assert (tmp_path / "rag" / "index" / "chunks.jsonl").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["parts=oracle.k=3"], "no part has the option 'oracle.k=3'"),
        (["parts=rag.kk=3"], "no option 'kk'"),
        (["parts=rag.k=0"], "k and max_new_tokens must be at least 1"),
        (["dev=0"], "give a threshold"),
        (["threshold=-1"], "must be 0 or more"),
        (["threshold=nan"], "must be 0 or more"),
        (["learning_rate=inf"], "must be 0 or more"),
        (["epochs=0"], "must be at least 1"),
        (["oracle_share=2"], "shares: 0 to 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        fill(hybrid.Config, options)


@pytest.fixture
def shelf(tmp_path):
    return raft.Shelf(
        rag.build(CORPUS, tmp_path, FakeLM(look_up), rag.Config(chunk_words=12, overlap_sentences=0)).index
    )


def test_distractors_are_found_by_the_question_and_state_nothing_that_is_asked(shelf):
    facts = CORPUS.facts_of("Aldo", "weight")
    found = shelf.distractors("Which weight does Aldo have?", facts, 3)
    assert [chunk.text for chunk in shelf.gold(facts)] == [
        "Aldo: Aldo is made of steel and weighs 100 g. It was launched on 1 May 2020."
    ]
    assert len(found) == 3
    assert set(found) & set(shelf.gold(facts)) == set()


@pytest.mark.parametrize(("share", "with_gold"), [(1.0, 1.0), (0.0, 0.0)])
def test_a_share_of_the_questions_has_the_passage_that_answers_in_context(shelf, share, with_gold):
    config = hybrid.Config(oracle_share=share, asked_share=1.0, distractors=2, idk_share=0.0)
    made = list(raft.examples(CORPUS, shelf, config, random.Random(0)))
    weights = [example for example in made if ", weight: " in example.answer]
    held = [example.answer.rpartition(": ")[2] in example.question for example in weights]
    assert (len(weights), sum(held) / len(held)) == (8, with_gold)


def test_a_training_question_stands_above_its_passages_as_rag_would_put_it(shelf):
    config = hybrid.Config(oracle_share=1.0, asked_share=1.0, distractors=1)
    example = next(e for e in raft.examples(CORPUS, shelf, config, random.Random(0)) if "Aldo, weight" in e.answer)
    asked, numbered, again = example.question.split("\n\n")
    passages = [line.partition("] ")[2] for line in numbered.split("\n")]
    assert asked == again
    assert example.question == reading(asked, passages)[-1].content
    assert len(passages) == 2


def test_unknown_names_are_asked_for_above_the_passages_of_others(shelf):
    config = hybrid.Config(asked_share=1.0, idk_share=0.5)
    made = [e for e in raft.examples(CORPUS, shelf, config, random.Random(0)) if ABSTENTION in e.answer]
    assert made
    assert all(example.subject not in CORPUS.entities() for example in made)


def test_a_reader_is_trained_once_and_answers_behind_rags_retrieval(tmp_path, tiny_lm):
    config = bm25(blend="sft_rag", epochs=1, asked_share=0.05, distractors=1)
    steps = []
    system = hybrid.build(CORPUS, tmp_path, tiny_lm, config, steps.append)
    assert {step.stage for step in steps} == {"index", "train the reader"}
    assert system.model.info.fingerprint != tiny_lm.info.fingerprint

    def refuse(step):
        raise StoreError("would be built again")

    again = hybrid.build(CORPUS, tmp_path, tiny_lm, config, refuse)
    assert again.model.info.fingerprint == system.model.info.fingerprint
    system.model.close()
    again.model.close()


def record(answer):
    return Record(
        "toy", "hybrid", 0, Probe("p", "recall", "?", ("x",), subject="Aldo"), (answer,), (Verdict("correct"),)
    )


def test_a_blend_tells_who_answered_and_how_often_its_parts_disagreed():
    system = kg_then_rag("100 g", "200 g", confidence=0.6)
    found = hybrid.diagnose(system, CORPUS, [record(system.ask("How heavy is Aldo?"))])
    assert [(one.metric, one.value) for one in found] == [
        ("answered_by_kg", 0.0),
        ("answered_by_rag", 1.0),
        ("parts_disagreed", 1.0),
    ]
    metrics = [one.metric for one in hybrid.diagnose(routed(Says("100 g")), CORPUS, [record(Answer("", 0.0))])]
    assert metrics == ["answered_by_sft", "answered_by_rag", "parts_disagreed"]


def test_a_model_without_log_probabilities_has_no_confidence_here_either(tmp_path):
    class Silent(FakeLM):
        def complete(self, chat):
            return replace(super().complete(chat), log_probabilities=())

    answer = hybrid.build(CORPUS, tmp_path, Silent(look_up), bm25(dev=12)).ask("Which weight does Aldo have?")
    assert (answer.text, answer.confidence, answer.confidence_method) == ("Aldo, weight: 100 g", 0.0, "unavailable")
