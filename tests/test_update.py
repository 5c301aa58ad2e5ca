"""kinject.freshness: changes of facts reach documents, systems and a new run, and the old run stays as it was."""

import json
import random
from dataclasses import replace
from datetime import date

import pytest
from conftest import make_toy_corpus
from typer.testing import CliRunner

from kinject import corpus, freshness, plugins, report, study
from kinject.cli import app
from kinject.errors import CorpusError, StoreError, UnknownNameError
from kinject.freshness import probing
from kinject.freshness.changes import read
from kinject.freshness.editing import edited
from kinject.store import JsonLines, new_artifact
from kinject.store.carrying import carry
from kinject.study import Study, asking
from kinject.study.plan import PROBES
from kinject.terminal import updated
from kinject.types import Answer, Outcome, Probe, Record, Verdict

TOY = make_toy_corpus()
UNDATED = replace(TOY, day=None, facts=tuple(replace(f, valid_from=None) for f in TOY.facts if not f.valid_to))
TODAY = date(2024, 9, 1)
SETTINGS = (
    *(f"{kind}=1" for kind in plugins.names(PROBES) if kind != "own"),
    "recall=2",
    "temporal=2",
    "unanswerable=2",
    "pushback=1",
    "injection=1",
    "rag.max_new_tokens=3",
    "rag.retriever=bm25",
)
SETTINGS += ("kg.max_model_calls=1", "kg.max_tool_calls=1")
CHANGES = "subject,relation,object,on\nAldo,price,30 EUR,2024-07-01\nBrila,weight,999,\nCorvo,material,,\n"
ZANZO = ("weight of Zanzo is 7 g", "material of Zanzo is oak")


class Killed(BaseException):
    """What no code catches."""


@pytest.fixture
def change(tmp_path):
    """The toy corpus, or another, after the rows of a changes file."""

    def changed(*rows, of=TOY, header="subject,relation,object,on,old,document"):
        path = tmp_path / "changes.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return edited(of, read(path), TODAY)

    return changed


@pytest.fixture(scope="module", autouse=True)
def small_cohorts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "CALLERS", 4)
        yield


@pytest.fixture(scope="module")
def old(tiny_lfm2, tmp_path_factory):
    folder = tmp_path_factory.mktemp("update")
    corpus.save(TOY, folder / "toy")
    return study.run(Study(folder / "toy", folder / "run", str(tiny_lfm2), ("kg", "rag"), SETTINGS))


@pytest.fixture(scope="module")
def wanted(old):
    changes = old.parent / "changes.csv"
    changes.write_text(CHANGES, encoding="utf-8")
    return freshness.Update(old, changes, TODAY, n=3)


@pytest.fixture(scope="module")
def new(wanted):
    return freshness.update(wanted)


def now(after, subject, relation):
    return [fact.object for fact in after.current().facts_of(subject, relation)]


def test_a_dated_fact_ends_on_the_day_from_which_the_new_one_holds(change):
    after = change("Aldo,price,30 EUR,2024-05-01,,").corpus
    held = [(fact.object, fact.valid_from, fact.valid_to) for fact in after.facts_of("Aldo", "price")]
    assert held[1:] == [
        ("20.50 EUR", date(2024, 1, 1), date(2024, 5, 1)),
        ("30 EUR", date(2024, 5, 1), None),
    ]


def test_a_change_without_a_day_holds_from_the_corpus_now(change):
    after = change("Aldo,weight,7 g,,,").corpus
    assert [(f.object, f.valid_to or f.valid_from) for f in after.facts_of("Aldo", "weight")] == [
        ("100 g", TOY.day),
        ("7 g", TOY.day),
    ]


def test_now_moves_to_a_change_that_holds_from_later_on(change):
    after = change("Aldo,weight,7 g,2024-08-01,,").corpus
    assert (after.day, now(after, "Aldo", "weight")) == (date(2024, 8, 1), ["7 g"])


def test_an_undated_fact_is_replaced_under_its_id(change):
    after = change("Aldo,weight,7 g,,,", of=UNDATED).corpus
    assert [(f.id, f.object, f.valid_from) for f in after.facts_of("Aldo", "weight")] == [("f0-2", "7 g", None)]


def test_an_empty_object_ends_a_fact(change):
    after = change("Aldo,material,,,,")
    assert (now(after.corpus, "Aldo", "material"), after.counts["ended"]) == ([], 1)


def test_a_bare_number_gets_the_unit_of_its_relation(change):
    assert now(change("Aldo,weight,7,,,").corpus, "Aldo", "weight") == ["7 g"]


def test_two_changes_of_one_fact_are_applied_by_day_whatever_their_order(change):
    after = change("Aldo,price,9 EUR,2024-05-01,,", "Aldo,price,8 EUR,2024-04-01,,").corpus
    assert [fact.object for fact in after.facts_of("Aldo", "price")][2:] == ["8 EUR", "9 EUR"]
    assert now(after, "Aldo", "price") == ["9 EUR"]


def test_one_of_several_values_is_named_by_old(change):
    more = replace(TOY.facts[5], id="more", object="Dunet")
    of = replace(TOY, facts=(*TOY.facts, more))
    assert sorted(now(change("Aldo,companion,Elmar,,Dunet,", of=of).corpus, "Aldo", "companion")) == ["Brila", "Elmar"]
    with pytest.raises(CorpusError, match=r"has 2 values \('Brila', 'Dunet'\); say in a column `old` which one"):
        change("Aldo,companion,Elmar,,,", of=of)


def test_the_sentence_of_an_old_value_is_replaced_and_what_else_it_states_is_stated_again(change):
    text = change("Aldo,weight,7 g,,,").corpus.document("d0").text
    assert text == (
        "As of 1 June 2024: The weight of Aldo is 7 g. The material of Aldo is steel. It was launched on 1 May 2020. "
        "Since 1 January 2024 its price is 20.50 EUR; before that it was 10.50 EUR. Its companion is Brila."
    )


def test_a_relation_with_words_for_the_past_keeps_its_past_in_the_document(change):
    relations = (
        replace(TOY.relations[0], statements=("{subject} costs {object}.", "On {date}: {subject}, {object}.")),
    )
    of = replace(TOY, relations=relations + TOY.relations[1:])
    text = change("Aldo,price,30 EUR,2024-05-01,,", of=of).corpus.document("d0").text
    assert (
        "As of 1 May 2024: Aldo costs 30 EUR. On 1 January 2024: Aldo, 20.50 EUR. On 1 January 2022: Aldo, 10.50 EUR."
        in text
    )


def test_a_sentence_elsewhere_follows_where_it_names_the_subject(change):
    other = replace(TOY.documents[1], text=f"{TOY.documents[1].text} Aldo weighs 100 g.")
    of = replace(TOY, documents=(TOY.documents[0], other, *TOY.documents[2:]))
    text = change("Aldo,weight,7 g,,,", of=of).corpus.document("d1").text
    assert text == f"{TOY.documents[1].text} As of 1 June 2024: The weight of Aldo is 7 g."


def test_a_value_that_another_fact_of_the_page_shares_is_not_replaced(change):
    facts = tuple(replace(f, object="100 g") if f.id == "f0-0" else f for f in TOY.facts)
    of = replace(TOY, facts=facts)
    after = change("Aldo,weight,7 g,,,", of=of)
    added = f"{of.document('d0').text} As of 1 June 2024: The weight of Aldo is 7 g."
    assert (after.corpus.document("d0").text, after.counts["sentences added"]) == (added, 1)


def test_a_document_that_is_given_takes_the_place_of_the_old_text(change):
    assert change("Aldo,weight,7 g,,,Aldo weighs 7 g now.").corpus.document("d0").text == "Aldo weighs 7 g now."


def test_a_new_subject_gets_a_document_of_its_own(change):
    after = change("Zanzo,weight,7 g,,,", "Zanzo,material,oak,,,")
    (page,) = [d for d in after.corpus.documents if d.title == "Zanzo"]
    assert (
        page.text == "As of 1 June 2024: The weight of Zanzo is 7 g. As of 1 June 2024: The material of Zanzo is oak."
    )
    assert (after.counts["new subjects"], now(after.corpus, "Zanzo", "weight")) == (1, ["7 g"])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Aldo,wieght,7 g,,,", r"changes.csv:2: no relation 'wieght' \(did you mean 'weight'\?\)"),
        ("aldo,weight,7 g,,,", r"changes.csv:2: no subject 'aldo'; write it as 'Aldo'"),
        ("Alda,weight,,,,", r"changes.csv:2: no subject 'Alda' \(did you mean 'Aldo'\?\)"),
        ("Aldo,weight,heavy,,,", "changes.csv:2: 'heavy' is no number, and 'weight' is one"),
        ("Aldo,weight,7 g,soon,,", "changes.csv:2: cannot read 'soon' as a day"),
        ("Aldo,,7 g,,,", "changes.csv:2: relation is empty"),
        ("Aldo,price,7 EUR,2021-01-01,,", "the price of 'Aldo' has a value from 2022-01-01 on already"),
        ("Aldo,weight,7 g,,9 g,", "'9 g' is not the weight of 'Aldo' then, but '100 g'"),
        ("Aldo,weight,100 g,,,", "nothing changes: the 1 facts are as the corpus has them"),
    ],
)
def test_a_change_that_does_not_fit_is_told_by_its_line(change, row, message):
    with pytest.raises(CorpusError, match=message):
        change(row)


def test_every_fault_is_told_before_anything_is_changed(change):
    with pytest.raises(CorpusError, match=r":2: no relation 'x'; .*:4: changes what .*:3 changes on the same day"):
        change("Aldo,x,1,,,", "Aldo,weight,1 g,,,", "Aldo,weight,2 g,,,")


def test_a_column_that_is_missing_or_unknown_is_named(change):
    with pytest.raises(CorpusError, match="lacks object: the columns of a change are subject, relation, object"):
        change("Aldo,weight", header="subject,relation")
    with pytest.raises(CorpusError, match=r"has 'dokument' \(did you mean 'document'\?\)"):
        change("Aldo,weight,1,x", header="subject,relation,object,dokument")


def record(probe: Probe, outcome: Outcome, error: str = "") -> Record:
    return Record("toy", "rag", 0, probe, (Answer("", 0.5),), (Verdict(outcome, error),))


def test_shares_are_of_changed_facts_and_damage_of_the_others():
    new, gone, same = (
        Probe("1", "recall", "?", ("a",), subject="A", variant="changed"),
        Probe("2", "recall", "?", (), subject="B", variant="changed"),
        Probe("3", "recall", "?", ("a",), subject="C", variant="unchanged"),
    )
    records = [record(new, Outcome.INCORRECT, "stale"), record(gone, Outcome.NOT_ATTEMPTED)]
    was, is_now = [record(same, Outcome.CORRECT)], [record(same, Outcome.INCORRECT, "confused")]
    found = probing.shares(records + is_now)
    assert {name: (e.value, e.n) for name, e in found.items()} == {
        "stale": (0.5, 2),
        "right": (0.5, 2),
        "other": (0.0, 2),
        "unchanged_right": (0.0, 1),
    }
    assert probing.damage(was, is_now).value == 1.0


def test_a_replaced_value_is_stale_though_the_corpus_has_forgotten_it(change):
    after = change("Aldo,weight,7 g,,,", of=UNDATED).corpus
    (probe,) = [p for p in probing.probes(UNDATED, after, 9, random.Random(0)) if p.variant == "changed"]
    verdict = probing.grader(UNDATED, after).grade("It weighs 100 g.", probe)
    assert (probe.gold, verdict.error) == (("7 g",), "stale")


def test_an_update_leaves_a_run_that_is_opened_served_and_reported(new):
    run = study.open_run(new)
    assert (run.systems, now(run.corpus, "Aldo", "price")) == (("kg", "rag"), ["30 EUR"])
    assert {r.probe.variant for r in run.records()} == {"changed", "unchanged"}
    assert isinstance(run.system("kg").ask("Which price does Aldo have?"), Answer)
    report.write(new)
    assert "3 facts are others than in run" in updated(new)
    assert (new / "update.md").read_text(encoding="utf-8").startswith("# toy: update\n")


def test_an_update_measures_every_system_before_and_after(new):
    rows = {(row["system"], row["metric"]): row["n"] for row in JsonLines(new / "update.jsonl").rows()}
    assert {metric for system, metric in rows if system == "rag"} == {
        *(f"{m}_{when}" for m in probing.METRICS for when in ("before", "after")),
        *("damage", "update_seconds", "seconds_per_fact"),
    }
    assert (rows["kg", "stale_after"], rows["kg", "unchanged_right_before"]) == (3, 3)


def test_the_old_run_stays_as_it_was(old, new):
    assert now(study.open_run(old).corpus, "Aldo", "price") == ["20.50 EUR"]
    assert study.open_run(old).system("rag").ask("Which price does Aldo have?").evidence


def test_the_same_update_again_asks_nothing_and_another_one_goes_elsewhere(wanted, new, tmp_path):
    before = (new / "records.jsonl").read_bytes()
    assert freshness.update(wanted) == new
    assert (new / "records.jsonl").read_bytes() == before
    other = freshness.update(replace(wanted, n=1, systems=("kg",)))
    assert other.name == "run-updated-2"
    with pytest.raises(StoreError, match="holds something else than this update"):
        freshness.update(replace(wanted, out=wanted.run))


@pytest.mark.parametrize("stage", ["ask kg", "index"])
def test_a_killed_update_ends_as_one_that_was_not(wanted, new, tmp_path, stage):
    def kill(step):
        if step.stage == stage and step.done >= min(2, step.total):
            raise Killed

    again = replace(wanted, out=tmp_path / "out")
    with pytest.raises(Killed):
        freshness.update(again, kill)
    assert not (again.out / "study.json").exists()
    freshness.update(again)
    told = [[(r.key, r.answers[0].text) for r in study.open_run(run).records()] for run in (again.out, new)]
    assert told[0] == told[1]


def test_a_corpus_folder_is_the_new_state(old, change, tmp_path):
    corpus.save(change("Aldo,weight,7 g,,,").corpus, tmp_path / "state")
    run = freshness.update(freshness.Update(old, tmp_path / "state", TODAY, tmp_path / "out", ("kg",), n=1))
    assert json.loads((run / "study.json").read_text(encoding="utf-8"))["update"]["facts"] == 1
    with pytest.raises(CorpusError, match="nothing changes"):
        freshness.update(freshness.Update(old, old / "corpus", TODAY, tmp_path / "none"))


def test_an_unknown_system_is_named_before_anything_is_written(wanted, tmp_path):
    with pytest.raises(UnknownNameError, match="no system 'ragg'"):
        freshness.update(replace(wanted, systems=("ragg",), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_only_sealed_files_are_shared_between_runs(tmp_path):
    with new_artifact(tmp_path / "old" / "index", "f") as folder:
        (folder / "vectors").write_text("v", encoding="utf-8")
    (tmp_path / "old" / "curve.json").write_text("[]", encoding="utf-8")
    carry(tmp_path / "old", tmp_path / "new")
    (tmp_path / "new" / "curve.json").write_text("[1]", encoding="utf-8")
    assert (tmp_path / "old" / "curve.json").read_text(encoding="utf-8") == "[]"
    assert (tmp_path / "new" / "index" / "vectors").samefile(tmp_path / "old" / "index" / "vectors")


def test_a_plugin_with_an_update_of_its_own_is_updated_by_it(old, wanted, tmp_path, monkeypatch):
    from kinject.systems import kg

    seen = []
    monkeypatch.setattr(kg, "update", lambda before, after, *rest: seen.append((before, after)), raising=False)
    freshness.update(replace(wanted, systems=("kg",), out=tmp_path / "out", n=1))
    ((before, after),) = seen
    assert [now(one, "Aldo", "price") for one in (before, after)] == [["20.50 EUR"], ["30 EUR"]]


def test_the_command_prints_the_table_and_where_it_went(wanted, tmp_path):
    words = [
        "update",
        str(wanted.run),
        str(wanted.changes),
        "--systems",
        "kg",
        "--n",
        "1",
        "--out",
        str(tmp_path / "o"),
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "stale before" in result.stdout
    assert f"wrote {tmp_path / 'o' / 'update.md'}; next: kinject serve" in result.stdout
