"""Users' own probes: what a file may hold, how it is graded, and that a run stays with the file that it began with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import make_toy_corpus

from kinject import corpus, study
from kinject.errors import CorpusError, OptionError, StoreError
from kinject.grading import Grader
from kinject.probes import own
from kinject.study import Study
from kinject.study.plan import settle
from kinject.types import Answer, Outcome, Probe, Record, Verdict

TOY = make_toy_corpus()
CSV = "question,gold,id,kind,relation,subject\n"
QUESTION = '{"question": "How heavy is Aldo?", "gold": "100 g"}'


def written(tmp_path: Path, text: str, name: str = "q.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def read(tmp_path: Path, text: str, name: str = "q.jsonl") -> tuple[Probe, ...]:
    return own.read([written(tmp_path, text, name)], TOY).probes


def test_a_question_and_its_gold_are_enough(tmp_path):
    (probe,) = read(tmp_path, QUESTION)
    assert (probe.kind, probe.question, probe.gold, probe.relation) == ("own", "How heavy is Aldo?", ("100 g",), "")
    assert probe.id.startswith("own-0000-")


def test_a_csv_line_says_the_same_as_a_json_line(tmp_path):
    line = {"question": "How heavy, then, is Aldo?", "gold": ["100 g", "0.1 kg"], "id": "w1", "kind": "weights"}
    row = '"How heavy, then, is Aldo?",100 g | 0.1 kg,w1,weights,weight,Aldo\n'
    one = read(tmp_path, json.dumps(line | {"relation": "weight", "subject": "Aldo"}))
    assert one == read(tmp_path, CSV + row, "q.csv")
    assert (one[0].id, one[0].variant, one[0].facts) == ("own-w1", "weights", ("f0-2",))


@pytest.mark.parametrize("gold", ['""', "[]", "null"])
def test_an_empty_gold_is_no_answer(tmp_path, gold):
    (probe,) = read(tmp_path, f'{{"question": "Who lives on Mars?", "gold": {gold}}}')
    assert probe.gold == ()
    assert Grader(TOY).grade("I don't know.", probe).outcome is Outcome.NOT_ATTEMPTED


def test_with_a_relation_the_answer_is_graded_as_its_values_are(tmp_path):
    line = {"question": "What did Aldo cost?", "gold": "20.50 EUR", "relation": "price", "subject": "Aldo"}
    (probe,) = read(tmp_path, json.dumps(line))
    grader = Grader(TOY)
    assert grader.grade("€20.50", probe).outcome is Outcome.CORRECT
    assert [grader.grade(text, probe).error for text in ("10.50 EUR", "21.50 EUR")] == ["stale", "confused"]


def test_an_inverse_question_is_graded_by_the_names_of_entities(tmp_path):
    line = {"question": "Which one weighs 100 g?", "gold": "Aldo", "relation": "weight", "kind": "inverse"}
    (probe,) = read(tmp_path, json.dumps(line))
    assert Grader(TOY).grade("Brila", probe).error == "confused"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"question": "Why?"}', r"q.jsonl lacks gold; the columns of probes are question, gold, and id, kind"),
        (f'{QUESTION}\n{{"question": "Why?"}}', r'q.jsonl:2: gold is missing; write the answer, or "gold": "" where'),
        ('{"question": "Why?", "gold": "x", "golds": "y"}', r"q.jsonl has 'golds' \(did you mean 'gold'\?\)"),
        ('{"question": " ", "gold": "x"}', r"q.jsonl:1: question is empty; write one, or delete the line"),
        (f"{QUESTION}\n\n{QUESTION}", r"q.jsonl:3: the question is that of .*q.jsonl:1; delete one of them"),
        (
            '{"question": "a?", "gold": "x", "id": 1}\n{"question": "b?", "gold": "x", "id": 1}',
            r"q.jsonl:2: the id is that of .*q.jsonl:1",
        ),
        (
            '{"question": "a?", "gold": "x", "relation": "wieght"}',
            r"q.jsonl:1: no relation 'wieght' \(did you mean 'weight'\?\)",
        ),
        (
            '{"question": "How heavy?", "gold": "heavy", "relation": "weight"}',
            r"q.jsonl:1: gold 'heavy' is no number, and 'weight' is one; leave out the relation, or write one",
        ),
        ('{"question": "Why?", "gold": "\u2014"}', r"q.jsonl:1: gold '\u2014' would not be graded right if a system"),
        ('{"question": "a?", "gold": "x"', r"q.jsonl:1: .*"),
        ("", r"q.jsonl is empty"),
    ],
)
def test_a_fault_is_named_by_file_and_line_and_says_what_to_do(tmp_path, text, message):
    with pytest.raises(CorpusError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_an_uneven_line_of_a_csv_file_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"q.csv:3: expected 2 columns, found 3"):
        read(tmp_path, "question,gold\na?,x\nb?,x,y\n", "q.csv")


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"q.txt cannot hold probes; give a file that ends in .jsonl or"):
        read(tmp_path, QUESTION, "q.txt")
    with pytest.raises(CorpusError, match=r"no file .*none.csv; check the path"):
        own.read([tmp_path / "none.csv"], TOY)


def test_five_faults_are_shown_and_the_rest_counted(tmp_path):
    lines = "\n".join(f'{{"question": "", "gold": "{n}"}}' for n in range(8))
    with pytest.raises(CorpusError, match=r"q.jsonl:5: question is empty.*; and 3 more$"):
        read(tmp_path, lines)


def test_a_question_may_not_stand_in_two_files(tmp_path):
    paths = [written(tmp_path, QUESTION, name) for name in ("a.jsonl", "b.jsonl")]
    with pytest.raises(CorpusError, match=r"b.jsonl:1: the question is that of .*a.jsonl:1"):
        own.read(paths, TOY)


def test_abstentions_are_wrong_where_there_is_gold_and_right_where_there_is_none():
    right, none, wrong = (Verdict(outcome) for outcome in (Outcome.CORRECT, Outcome.NOT_ATTEMPTED, Outcome.INCORRECT))
    said = [(("x",), right), (("x",), none), ((), none), ((), wrong)]
    records = [
        Record("s", "rag", 0, Probe(f"p{n}", "own", "?", gold), (Answer("-", 0.5),), (verdict,))
        for n, (gold, verdict) in enumerate(said)
    ]
    found = own.summarize(records)
    assert [found[name].value for name in ("accuracy", "attempt_rate", "hallucination")] == [0.5, 0.5, 0.5]


SMALL = tuple(
    f"{kind}=2" for kind in settle(Study(Path(), Path(), systems=("closed_book",))).sizes if kind != "pushback"
)


@pytest.fixture(scope="module")
def asked(tiny_lfm2, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    corpus.save(TOY, folder / "toy")
    file = written(folder, '{"question": "How heavy is Aldo?", "gold": "100 g"}\r\n', "mine.jsonl")
    settings = (*SMALL, "pushback=1", "closed_book.max_new_tokens=2")
    small = Study(folder / "toy", folder / "run", str(tiny_lfm2), ("closed_book",), settings, probes=(file,))
    study.run(small)
    return small


def test_own_probes_are_asked_and_estimated_as_a_family(asked):
    run = study.open_run(asked.out)
    (record,) = [record for record in run.records() if record.probe.kind == "own"]
    assert (record.probe.question, run.manifest["probes"]["own"]) == ("How heavy is Aldo?", 1)
    (row,) = [row for row in run.estimates() if (row["probe"], row["metric"]) == ("own", "accuracy")]
    assert row["n"] == 1


def test_the_file_is_kept_whole_in_the_run(asked):
    assert (asked.out / "own" / "1-mine.jsonl").read_bytes() == asked.probes[0].read_bytes()


def test_a_finished_study_with_own_probes_asks_nothing_again(asked):
    before = (asked.out / "records.jsonl").read_bytes()
    study.run(asked)
    assert (asked.out / "records.jsonl").read_bytes() == before


def test_a_changed_or_missing_file_is_another_study(asked, tmp_path):
    changed = written(tmp_path, '{"question": "How light is Aldo?", "gold": "100 g"}', "mine.jsonl")
    with pytest.raises(StoreError, match=r"holds another study \(own probes changed\)"):
        study.run(replace(asked, probes=(changed,)))
    with pytest.raises(StoreError, match=r"holds another study \(sizes changed\)"):
        study.run(replace(asked, probes=()))


def test_the_number_of_own_probes_is_that_of_the_file(asked):
    with pytest.raises(OptionError, match="no setting 'own=3'"):
        settle(replace(asked, settings=("own=3",)))
