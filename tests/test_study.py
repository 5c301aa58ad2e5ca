import random
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus

from kinject import corpus, plugins, study
from kinject.errors import OptionError, PromptTooLongError, StoreError, UnknownNameError
from kinject.grading import Grader
from kinject.lm.base import ModelInfo
from kinject.store import JsonLines
from kinject.study import Study, asking, job
from kinject.study.asking import Asked, Share, ask_all, callers, converse
from kinject.study.plan import PROBES, QUICK_SYSTEMS, settle
from kinject.systems.closed_book import ClosedBook, Config
from kinject.types import Answer, Probe, Record, Turn

CORPUS = make_toy_corpus()
SMALL = ("recall=6", "temporal=3", "unanswerable=4", "pushback=1", "multihop=2", "aggregate=2", "compare=2")
SMALL += ("robustness=4", "locality=4", "freshness=2", "injection=1")
SMALL += tuple(
    f"{kind}=2" for kind in plugins.names(PROBES) if kind != "own" and not any(s.startswith(f"{kind}=") for s in SMALL)
)
# Every system, with nothing that would take long on a tiny model.
SETTINGS = (*SMALL, "sft.epochs=2", "sft.max_new_tokens=3", "rag.max_new_tokens=3", "closed_book.max_new_tokens=3")
SETTINGS += ("oracle.max_new_tokens=3", "kg.max_model_calls=1", "sft.paraphrases=1", "rag.retriever=bm25")


def only(*systems):
    return (*SMALL, *(setting for setting in SETTINGS if setting.partition(".")[0] in systems))


class Killed(BaseException):
    """What no code catches."""


@pytest.fixture(scope="module")
def small(tiny_lfm2, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    corpus.save(CORPUS, folder / "toy")
    return Study(folder / "toy", folder / "run", str(tiny_lfm2), settings=SETTINGS)


@pytest.fixture(scope="module", autouse=True)
def small_cohorts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "CALLERS", 8)
        yield


@pytest.fixture(scope="module")
def finished(small):
    study.run(small)
    return study.open_run(small.out)


def made(run):
    return job.make_probes(CORPUS, settle(Study(CORPUS, run.folder, settings=SETTINGS)))


def test_a_study_asks_every_system_every_probe(finished):
    records = finished.records()
    assert {r.system for r in records} == {"closed_book", "kg", "oracle", "rag", "sft"}
    claims = Counter(bool(probe.claim) for probe in made(finished))
    asked = Counter((record.system, bool(record.probe.claim)) for record in records)
    assert claims[True] >= 7
    assert asked == {(name, False): claims[False] for name in finished.systems} | {
        (name, True): claims[True] for name in ("rag", "kg")
    }


def test_every_family_is_estimated_for_every_system(finished):
    rows = {(row["system"], row["probe"]) for row in finished.estimates()}
    families = {*settle(Study(CORPUS, finished.folder, settings=SETTINGS)).sizes, "cost", "confidence"}
    own = {("rag", "retrieval"), ("rag", "citations"), ("kg", "tools"), ("kg", "errors"), ("sft", "capacity")}
    assert rows == {(s, f) for s in finished.systems for f in families} | own


def test_a_run_that_an_older_kinject_finished_is_calibrated_by_running_it_again(small, finished):
    before = finished.calibrations
    assert set(before) == set(finished.systems)
    (finished.folder / "confidence.jsonl").unlink()
    study.run(small)
    assert study.open_run(small.out).calibrations == before


def test_the_curve_is_graded_from_the_untrained_model_on(finished):
    rows = JsonLines(finished.folder / "curve.jsonl").rows()
    assert [(row["epoch"], row["n"]) for row in rows] == [(0, 40), (1, 40), (2, 40)]


def test_the_manifest_says_what_the_run_was_made_of(finished):
    manifest = finished.manifest
    assert manifest["schema"] == 2
    assert manifest["corpus"] == {"name": "toy", "fingerprint": CORPUS.fingerprint()}
    assert (manifest["seeds"], manifest["systems"]["sft"]["epochs"]) == ([0], 2)
    assert set(manifest["build_seconds"]) == set(finished.systems)


def test_an_opened_system_answers_as_in_the_study(finished):
    record = next(r for r in finished.records() if r.system == "sft" and r.probe.kind == "recall")
    assert finished.system("sft").ask(record.probe.question).text == record.answers[0].text


@pytest.mark.parametrize("stage", ["sft", "ask kg"])
def test_a_killed_study_ends_with_the_records_of_one_that_was_not(small, finished, tmp_path, stage):
    def kill(step):
        if step.stage == stage and step.done == 2:
            raise Killed

    again = replace(small, out=tmp_path / "run", systems=("sft", "kg"), settings=only("sft", "kg"))
    with pytest.raises(Killed):
        study.run(again, kill)
    kept = JsonLines(again.out / "records.jsonl").rows()
    assert not (again.out / "study.json").exists()
    study.run(again)
    assert JsonLines(again.out / "records.jsonl").rows()[: len(kept)] == kept
    expected = [untimed(r) for r in finished.records() if r.system in again.systems]
    assert [untimed(r) for r in study.open_run(again.out).records()] == expected


def untimed(record: Record) -> Record:
    """Without how long it took; what is left includes probabilities to the last bit."""
    answers = (replace(a, usage=replace(a.usage, seconds=0.0)) for a in record.answers)
    return replace(record, answers=tuple(answers))


def test_a_finished_study_asks_nothing_again(small, finished):
    before = (finished.folder / "records.jsonl").read_bytes()
    study.run(small)
    assert (finished.folder / "records.jsonl").read_bytes() == before


def test_estimates_do_not_depend_on_the_order_of_records(small, finished):
    path = finished.folder / "records.jsonl"
    rows, before = JsonLines(path).rows(), finished.estimates()
    (finished.folder / "study.json").unlink()  # which tells of the log as it is
    path.unlink()
    with JsonLines(path) as log:
        for row in random.Random(0).sample(rows, len(rows)):
            log.append(row)
    study.run(small)
    assert finished.estimates() == before


def test_another_study_in_the_same_folder_is_refused(small, finished):
    with pytest.raises(StoreError, match=r"holds another study \(sizes, options of closed_book, .* changed\)"):
        study.run(replace(small, settings=("recall=7",)))


def test_a_system_whose_files_are_gone_is_not_trained_by_opening_it(small, finished, tmp_path):
    out = tmp_path / "run"
    study.run(replace(small, out=out, systems=("rag",), settings=only("rag")))
    shutil.rmtree(out / "systems" / "rag" / "index")
    with pytest.raises(StoreError, match="run the study again"):
        study.open_run(out).system("rag")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("sft.epoch=3",), "did you mean 'epochs'"),
        (("recall=many",), "whole number"),
        (("recal=3",), "no setting 'recal=3': write SYSTEM.OPTION=VALUE"),
        (("sft.epochs=0",), "epochs must be at least 1, found 0"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_written(small, tmp_path, settings, message):
    with pytest.raises(OptionError, match=message):
        study.run(replace(small, out=tmp_path / "run", settings=settings))
    assert not (tmp_path / "run").exists()


def test_an_unknown_system_is_named_with_the_known_ones(small, finished):
    with pytest.raises(UnknownNameError, match=r"no 'ragg' in systems \(did you mean 'rag'\?\)"):
        settle(replace(small, systems=("ragg",), settings=()))
    with pytest.raises(UnknownNameError, match="choose one of: closed_book, sft"):
        finished.system("ragg")


def test_a_folder_without_a_finished_study_is_not_opened(tmp_path):
    with pytest.raises(StoreError, match="no finished study"):
        study.open_run(tmp_path)


def test_blends_and_long_context_are_studied_when_they_are_named_and_opened_without_being_built_again(small, tmp_path):
    parts = "hybrid.parts=rag.retriever=bm25,rag.max_new_tokens=3,closed_book.max_new_tokens=3"
    quick = ("recall=2", "temporal=1", "unanswerable=2", "hybrid.blend=router", "hybrid.dev=4", parts)
    blocks = ("long_context.select=blocks", "long_context.blocks=1", "long_context.max_new_tokens=3")
    settings = (*only("rag"), *quick, *blocks)
    study.run(replace(small, out=tmp_path, systems=("rag", "hybrid", "long_context"), settings=settings))
    opened = study.open_run(tmp_path)
    for name in ("hybrid", "long_context"):
        record = next(r for r in opened.records() if r.system == name and r.probe.kind == "recall")
        assert opened.system(name).ask(record.probe.question).text == record.answers[0].text
    assert {row["probe"] for row in opened.estimates()} >= {"routing", "context"}


def test_the_full_study_trains_three_seeds(small):
    plan = settle(replace(small, full=True, settings=()))
    assert (plan.seeds("sft"), plan.seeds("rag"), plan.config("sft", 2).seed) == ((0, 1, 2), (0,), 2)
    assert min(plan.sizes.values()) >= 400


def test_a_quick_study_takes_five_systems_and_a_full_one_all_that_there_are(small):
    quick, full = (settle(replace(small, full=full, settings=())).configs for full in (False, True))
    assert tuple(quick) == QUICK_SYSTEMS
    assert tuple(full)[: len(quick)] == QUICK_SYSTEMS
    assert set(full) == set(plugins.names("kinject.systems"))


def test_the_size_of_one_family_does_not_change_the_probes_of_another(small):
    one, two = (
        [p for p in job.make_probes(CORPUS, settle(replace(small, settings=(s,)))) if p.kind == "temporal"]
        for s in ("recall=3", "recall=9")
    )
    assert one == two


def test_every_turn_is_asked_with_the_history_before_it():
    model = FakeLM(lambda chat: f"answer {len(chat.messages)}")
    probe = Probe("p", "pushback", "How?", ("x",), turns=("No.", "Once more: how?"))
    answers = converse(ClosedBook(model, Config()), probe).answers
    assert [answer.text for answer in answers] == ["answer 2", "answer 4", "answer 6"]
    assert [m.content for m in model.chats[2].messages[1:]] == [
        "How?",
        "answer 2",
        "No.",
        "answer 4",
        "Once more: how?",
    ]


def test_a_prompt_that_is_too_long_is_a_wrong_answer_and_not_the_end(tmp_path):
    class TooLong:
        def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
            raise PromptTooLongError("the prompt needs 2000 tokens")

    probe = Probe("p", "recall", "Which weight does Aldo have?", ("100 g",), relation="weight", subject="Aldo")
    with JsonLines(tmp_path / "log") as log:
        ask_all(TooLong(), Asked("toy", "rag", 0), [probe], Grader(CORPUS), log, lambda step: None)
    (row,) = JsonLines(tmp_path / "log").rows()
    assert (row["verdicts"][0]["outcome"], row["answers"][0]["evidence"][0]["text"]) == (
        "incorrect",
        "the prompt needs 2000 tokens",
    )


def test_shares_of_the_cohorts_are_all_probes_once(tmp_path):
    class Parrot:
        def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
            return Answer(question, 1.0)

    probes = [Probe(f"p{n}", "recall", f"Question {n}?", ("1",), subject="Aldo") for n in range(11)]
    asked = {}
    for nth in range(3):
        with JsonLines(tmp_path / f"{nth}") as log:
            share = Asked("toy", "rag", 0, callers=2, share=Share(nth, 3))
            ask_all(Parrot(), share, probes, Grader(CORPUS), log, lambda step: None)
        asked[nth] = sorted(int(row["probe"]["id"][1:]) for row in JsonLines(tmp_path / f"{nth}").rows())
    assert asked == {0: [0, 1, 6, 7], 1: [2, 3, 8, 9], 2: [4, 5, 10]}


def test_a_gpu_is_asked_by_more_callers_at_once():
    model = ModelInfo("m", "0", parameters=0, context_window=1)
    assert callers(replace(model, details={"device": "cpu"})) < callers(replace(model, details={"device": "cuda"}))
