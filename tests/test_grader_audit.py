"""The hand-labelled audit of the grader: its agreement, what it covers, and how answers are drawn for it."""

import pytest
from run_folder import make_run

from benchmarks import grader_audit
from benchmarks.grader_audit import AUDIT, LABELS, Item, draw, grade, outcome_of, read, save
from kinject.errors import StoreError
from kinject.types import Probe

REAL, HARD = ("answers", "fresh"), ("hard", "hard_fresh")


@pytest.fixture(scope="module")
def graded():
    return {name: grade(read(AUDIT / f"{name}.jsonl")) for name in (*REAL, *HARD)}


def same(graded):
    return sum(outcome_of(one.item.settled) is outcome_of(one.word) for one in graded) / len(graded)


@pytest.mark.parametrize("name", REAL)
def test_the_grader_agrees_with_the_labels_of_real_answers(name, graded):
    assert same(graded[name]) >= 0.99


@pytest.mark.parametrize("name", HARD)
def test_the_grader_agrees_with_the_labels_of_most_hard_answers(name, graded):
    assert same(graded[name]) >= 0.95


def test_the_audit_covers_all_verdicts_systems_corpora_and_kinds(graded):
    items = [one.item for one in graded["answers"]]
    assert len(items) >= 300
    assert {item.settled for item in items} == set(LABELS)
    assert {item.system for item in items} == {"closed_book", "sft", "rag", "kg", "oracle"}
    assert {item.corpus for item in items} == {"catalog", "presidents"}
    assert {item.kind for item in items} == {"number", "date", "list", "category", "text", "identifier", "entity"}


def test_every_disagreement_then_or_now_is_explained(graded):
    unexplained = [
        (name, one.item.id, one.word)
        for name, some in graded.items()
        for one in some
        if len({one.item.label, one.item.settled, one.item.before, one.word}) > 1 and not one.item.note
    ]
    assert unexplained == []


def test_the_benchmark_prints_agreement_confusion_and_disagreements(capsys):
    grader_audit.main([])
    printed = capsys.readouterr().out
    for title in grader_audit.SETS:
        assert f"### {title}: every disagreement, then or now" in printed
    assert "| labels as they stand, grader as it is" in printed


def test_answers_are_drawn_alike_from_all_systems_and_without_a_verdict(tmp_path):
    run = make_run(tmp_path / "run", n=12)
    drawn = draw([run], 40, seed=3)
    assert drawn == draw([run], 40, seed=3)
    assert {item.system for item in drawn} == {"closed_book", "sft", "rag", "kg", "oracle"}
    assert {(item.label, item.before, item.note) for item in drawn} == {("", "", "")}
    told = {(item.probe.question, item.answer) for item in drawn}
    assert told.isdisjoint((i.probe.question, i.answer) for i in draw([run], 40, 3, without=drawn))


def test_drawn_answers_can_be_read_again_and_are_never_written_over(tmp_path):
    item = Item("001", "catalog", "kg", "number", 0, Probe("p", "recall", "?", ("1 kg",)), "1 kg\n", note="é")
    path = tmp_path / "answers.jsonl"
    save([item], path)
    assert read(path) == [item]
    with pytest.raises(StoreError, match="is there already; its labels are kept: name another file"):
        save([item], path)


def test_a_label_that_does_not_exist_is_named_with_its_line(tmp_path):
    path = tmp_path / "answers.jsonl"
    save([Item("001", "catalog", "kg", "number", 0, Probe("p", "recall", "?", ()), "1")], path)
    path.write_text(path.read_text().replace('"label": ""', '"label": "wrong"'))
    with pytest.raises(StoreError, match=r"answers.jsonl:1: .*no label 'wrong'; choose one of: correct, not_attempted"):
        read(path)


def test_drawing_from_the_command_line_leaves_out_what_was_drawn(tmp_path, capsys):
    run, first, second = str(make_run(tmp_path / "run", n=12)), tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    grader_audit.main(["draw", run, "--n", "10", "--out", str(first)])
    grader_audit.main(["draw", run, "--n", "10", "--without", str(first), "--out", str(second)])
    assert capsys.readouterr().out == f"wrote 10 answers to {first}\nwrote 10 answers to {second}\n"
    answers = [{(item.probe.question, item.answer) for item in read(path)} for path in (first, second)]
    assert answers[0].isdisjoint(answers[1])
