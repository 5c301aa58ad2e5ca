"""Two runs compared: what is the same probe, what is right, and what is more than chance."""

import json
from dataclasses import replace

import pytest
from run_folder import SKILLS, make_run
from typer.testing import CliRunner

from kinject import power
from kinject.cli import app
from kinject.diff import diff
from kinject.diff.table import markdown, plain, remarks
from kinject.errors import KinjectError, OptionError, UnknownNameError
from kinject.report.results import read
from kinject.stats import holm
from kinject.types import Answer, Outcome, Probe, Record, Verdict

RIGHT, WRONG, SILENT = (Verdict(outcome) for outcome in (Outcome.CORRECT, Outcome.INCORRECT, Outcome.NOT_ATTEMPTED))


def asked(number, *verdicts, kind="recall", gold=("1 g",), seed=0, system="kg", question=""):
    probe = Probe(
        f"{kind}-{number}", kind, question or f"Weight of {number}?", gold, turns=("No.",) * (len(verdicts) - 1)
    )
    return Record("toy", system, seed, probe, tuple(Answer(v.outcome, 0.5) for v in verdicts), verdicts)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return read(make_run(tmp_path_factory.mktemp("run"), {"rag": SKILLS["rag"], "kg": SKILLS["kg"]}, n=10))


@pytest.fixture
def two(results):
    """Two runs of the given records."""
    return lambda a, b: tuple(replace(results, records=tuple(r), estimates={}) for r in (a, b))


def test_a_run_has_neither_gained_nor_lost_against_itself(results):
    found = diff(results, results)
    assert found.items == []
    assert {(row.verdict, row.p_holm, row.difference.value, row.unmatched_a) for row in found.rows} == {
        ("tied", 1, 0, 0)
    }
    assert [(row.system, row.kind) for row in found.rows][:3] == [
        ("rag", "recall"),
        ("rag", "temporal"),
        ("rag", "unanswerable"),
    ]


def test_gained_and_lost_are_told_with_their_exact_test(two):
    before = [asked(n, WRONG) for n in range(8)] + [asked(n, RIGHT) for n in range(8, 20)]
    after = [asked(n, RIGHT) for n in range(19)] + [asked(19, WRONG)]
    (row,) = diff(*two(before, after)).rows
    assert (row.gained, row.lost, row.difference.value, row.difference.n) == (8, 1, pytest.approx(0.35), 20)
    assert row.p == pytest.approx(2 * (1 + 9) / 2**9)
    assert row.verdict == "better"


def test_two_systems_of_one_run_are_compared_on_the_same_probes(results):
    (row,) = diff(results, results, ["rag"], ["recall"], against="kg").rows
    right = [sum(r.verdicts[0] == RIGHT for r in results.of(s) if r.probe.kind == "recall") for s in ("rag", "kg")]
    assert (row.system, row.difference.n, row.gained - row.lost) == ("rag to kg", 10, right[1] - right[0])


@pytest.mark.parametrize(
    ("systems", "against", "error", "says"),
    [
        ([], "kg", OptionError, "name one of run A, such as --system rag --against kg"),
        (["rag"], "gk", UnknownNameError, "no system 'gk' in .*; choose one of: rag, kg"),
    ],
)
def test_who_is_compared_with_whom_is_named(results, systems, against, error, says):
    with pytest.raises(error, match=says):
        diff(results, results, systems, against=against)


def test_a_tie_says_what_it_may_hide(two):
    before = [asked(n, RIGHT if n % 2 else WRONG) for n in range(40)]
    after = [asked(n, RIGHT if n % 3 else WRONG) for n in range(40)]
    (row,) = diff(*two(before, after)).rows
    assert (row.verdict, row.detectable) == ("tied", power.detectable(row.difference))
    assert row.detectable > row.difference.high - row.difference.value


def test_holm_is_over_the_whole_table(two):
    before = [asked(n, WRONG, kind=kind) for kind in ("recall", "temporal") for n in range(9)]
    after = [
        asked(n, RIGHT, kind=kind)
        for kind, n in [*(("recall", n) for n in range(9)), *(("temporal", n) for n in range(6))]
    ]
    found = diff(*two(before, after))
    assert [row.p_holm for row in found.rows] == holm([row.p for row in found.rows]) != [row.p for row in found.rows]


@pytest.mark.parametrize(
    ("first", "then", "change"),
    [
        (asked(1, SILENT, gold=()), asked(1, WRONG, gold=()), "lost"),
        (asked(1, SILENT), asked(1, RIGHT), "gained"),
        (asked(1, RIGHT, WRONG), asked(1, RIGHT, RIGHT), "gained"),
        (asked(1, WRONG, RIGHT), asked(1, RIGHT, WRONG), "lost"),
    ],
)
def test_right_is_an_abstention_where_nothing_is_known_and_the_end_of_a_dialogue(two, first, then, change):
    (item,) = diff(*two([first], [then])).items
    assert (item.change, item.answer_a, item.answer_b) == (change, first.answers[-1].text, then.answers[-1].text)


@pytest.mark.parametrize("other", [{"gold": ("2 g",)}, {"question": "How heavy?"}, {"kind": "temporal"}])
def test_what_asks_something_else_is_counted_and_not_compared(two, other):
    found = diff(
        *two([asked(1, RIGHT), asked(2, RIGHT, **other)], [asked(1, RIGHT), asked(2, WRONG)]), kinds=["recall"]
    )
    assert (found.items, found.rows[0].difference.n, found.rows[0].unmatched_b) == ([], 1, 1)
    assert remarks(found)[1].startswith("without a match in the other run: ")


def test_the_difference_is_of_the_mean_over_seeds_and_the_test_of_the_first(two):
    seeds = [asked(1, RIGHT, seed=0), asked(1, WRONG, seed=1)]
    (row,) = diff(*two(seeds, [asked(1, RIGHT)])).rows
    assert (row.difference.value, row.gained, row.lost) == (0.5, 0, 0)


def test_runs_without_a_common_probe_are_one_clear_error(two):
    a, b = two([asked(1, RIGHT)], [asked(2, RIGHT)])
    with pytest.raises(KinjectError, match=r"\(toy\) have no probe in common; compare two runs of one corpus"):
        diff(a, b)


def test_a_name_that_not_both_have_is_an_error_that_lists_those(results):
    with pytest.raises(UnknownNameError, match=r"no system 'sft' in both .* they share: rag, kg"):
        diff(results, results, systems=["sft"])
    with pytest.raises(UnknownNameError, match=r"no family 'own' in both .* they share: recall, temporal"):
        diff(results, results, kinds=["own"])


def test_it_says_what_else_the_runs_differ_in(results):
    other = replace(results, manifest=results.manifest | {"model": {"name": "x"}, "systems": {"kg": {"n": 2}}})
    assert diff(results, other).differs == ("model", "options of kg")


def test_markdown_shows_as_many_items_as_wanted_and_stays_text(two):
    found = diff(
        *two(
            [asked(n, RIGHT, question=f"<b>{n}|?") for n in range(3)],
            [asked(n, WRONG, question=f"<b>{n}|?") for n in range(3)],
        )
    )
    lines = markdown(found, 1).splitlines()
    assert [line for line in lines if line.startswith("- ")] == [
        r"- **lost: kg, recall**: \<b>0\|? Gold: 1 g. A: correct B: incorrect"
    ]
    assert lines[-1] == "2 more: --items 3, or --json."
    assert len(plain(found)["items"]) == 3


def test_the_command_prints_writes_and_gives_json(tmp_path):
    skills = {"kg": SKILLS["kg"]}
    a, b = make_run(tmp_path / "a", skills, n=20), make_run(tmp_path / "b", {"kg": SKILLS["sft"]}, n=20)
    words = ["diff", str(a), str(b), "--kind", "unanswerable", "--items", "1", "--out", str(tmp_path / "diff.md")]
    shown, data = CliRunner().invoke(app, words), json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    (row,) = data["rows"]
    assert (shown.exit_code, row["system"], row["family"]) == (0, "kg", "unanswerable")
    assert shown.stdout.count("  gold: ") == 1
    assert row["gained"] + row["lost"] == len(data["items"]) > 1
    assert (tmp_path / "diff.md").read_text(encoding="utf-8").startswith("# Two runs on the same probes\n")
