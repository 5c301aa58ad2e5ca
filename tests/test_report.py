"""kinject.report: what the two files say, for any run, and that nothing in them is alive."""

import json
import math
import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.figure import Figure as Canvas
from run_folder import SKILLS, Skill, make_run

from kinject import report
from kinject.errors import StoreError
from kinject.report import wording
from kinject.report.compare import compare
from kinject.report.costs import break_even, costs, size_bytes
from kinject.report.failures import telling
from kinject.report.learning import epoch_reached
from kinject.report.recommend import Recommendation, recommend
from kinject.report.results import Point, ladder, read
from kinject.store import JsonLines, new_artifact
from kinject.study import open_run
from kinject.study.asking import CALLERS
from kinject.types import Estimate, Outcome

EVIL = '<img src=x onerror="alert(1)"> | [a](javascript:alert(1)) `x` \u202e*b*'


class Tags(HTMLParser):
    """Every tag and attribute of a page, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("run"))
    report.write(folder)
    return folder


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("evil"), n=8, name=EVIL)
    report.write(folder)
    return folder


def recommended(folder: Path, **skills: Skill) -> Recommendation:
    results = read(make_run(folder, skills, n=100))
    return recommend(results, compare(results))


def point(epoch: float, recall: float) -> Point:
    return Point(epoch, 1.0, Estimate(recall, 0.0, 1.0, 50), epoch)


def test_clear_winner_is_chosen_with_its_uncertainty(run: Path) -> None:
    results = read(run)
    found = recommend(results, compare(results))
    assert (found.verdict, found.headline) == ("winner", "Choose kg")
    assert re.search(r"kg gets 9\d\u202f% right \(95\u202f% interval \[\d+, \d+\]\)", found.text)
    assert re.search(r"Its lead over rag, its nearest rival, is \+[\d.]+ points \[\+", found.text)
    asked = {r.probe.id for r in results.of("kg") if not (r.probe.gold or r.probe.turns or r.probe.claim)}
    assert f"of the {len(asked)} questions of all families that have no answer" in found.text


def test_equals_are_statistically_tied(tmp_path: Path) -> None:
    found = recommended(tmp_path, closed_book=SKILLS["closed_book"], rag=SKILLS["kg"], kg=SKILLS["kg"])
    assert (found.verdict, found.systems) == ("tied", ("rag", "kg"))
    assert found.headline == "Statistically tied: rag and kg"
    assert re.search(r"a difference of \d+\.\d points would have been found four times in five", found.text)


def test_nobody_wins_who_does_not_beat_the_untouched_model(tmp_path: Path) -> None:
    found = recommended(tmp_path, closed_book=SKILLS["kg"], rag=SKILLS["kg"])
    assert (found.verdict, found.headline) == ("none", "No winner: nothing beats the untouched model")


def test_best_answers_do_not_win_over_significantly_fewer_flips(tmp_path: Path) -> None:
    found = recommended(tmp_path, sft=Skill(0.98, 0.05, 0.01, 0.7, 9, 1), rag=Skill(0.6, 0.05, 0.3, 0.02, 1, 1))
    assert found.headline == "No single winner: it depends on which mistakes you can bear"
    assert "But rag has significantly fewer right answers given up under pushback." in found.text


def test_one_system_alone_is_no_winner(tmp_path: Path) -> None:
    assert recommended(tmp_path, kg=SKILLS["kg"]).headline == "No winner: only kg was studied"


def test_untrusted_text_stays_inert_in_html(evil: Path) -> None:
    text = (evil / "report.html").read_text(encoding="utf-8")
    assert "&lt;img src=x onerror=" in text
    assert "⟨right-to-left override⟩" in text
    assert not {"img", "script", "iframe", "object", "link", "base", "form"} & set(Tags(text).names)
    assert not [name for name, _ in Tags(text).attributes if name.startswith("on")]


def test_untrusted_text_stays_inert_in_markdown(evil: Path) -> None:
    text = (evil / "report.md").read_text(encoding="utf-8")
    assert r"\<img src=x onerror=" in text
    assert r"\| [a\](javascript:alert(1)) \`x\` ⟨right-to-left override⟩\*b\*" in text
    assert not re.search(r"(?<!\\)<[a-z/!?]", text)


def test_page_loads_nothing(page: str) -> None:
    targets = [value for name, value in Tags(page).attributes if name in ("src", "href", "xlink:href", "action")]
    assert targets
    assert all(str(target).startswith("#") for target in targets)
    assert "default-src 'none'" in page
    assert "url(" not in page.replace("url(#", "")


def test_every_figure_has_its_table_and_its_words(page: str) -> None:
    sections = [part for part in page.split("<section")[1:] if "<figure>" in part]
    assert len(sections) == 9
    assert all("<table" in part and re.search(r'role="img" aria-label="[^"]{40,}', part) for part in sections)


def test_every_table_has_row_and_column_headings(page: str) -> None:
    tables = page.split("<table")[1:]
    assert all('scope="col"' in table and 'scope="row"' in table for table in tables)


def test_ids_are_unique_and_links_reach_them(page: str) -> None:
    attributes = Tags(page).attributes
    ids = [value for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {str(v)[1:] for n, v in attributes if n in ("href", "xlink:href")} <= set(ids)


def test_folded_tables_are_open_on_paper(page: str) -> None:
    assert page.count("<details>") == page.count("<summary>Table: ") == page.count("</details>") > 0
    assert "details::details-content { content-visibility: visible" in page[page.index("@media print") :]


def test_the_page_is_small_enough_to_mail(page: str) -> None:
    assert len(page.encode()) < 500_000


def test_headings_do_not_skip_a_level(page: str) -> None:
    levels = [int(name[1]) for name in Tags(page).names if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_same_run_gives_the_same_bytes(run: Path, page: str) -> None:
    report.write(run)
    assert (run / "report.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("names", [["kg"], ["closed_book"], ["oracle", "hybrid"]])
def test_any_subset_of_systems_has_a_report(tmp_path: Path, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # To lay out a drawing takes most of a report's time, and other tests look at them.
    monkeypatch.setattr(Canvas, "savefig", lambda self, out, **style: out.write("<svg></svg>"))
    report.write(make_run(tmp_path, {name: SKILLS.get(name, SKILLS["rag"]) for name in names}, n=6))
    assert all(wording.name(name) in (tmp_path / "report.md").read_text(encoding="utf-8") for name in names)


def test_nothing_asked_prints_no_data(tmp_path: Path) -> None:
    report.write(make_run(tmp_path, n=0))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert f"| recall: accuracy |{' no data n 0 |' * 5}" in text
    assert "nan" not in text.lower().split()
    assert "nan" not in re.sub(r"<[^>]*>", " ", (tmp_path / "report.html").read_text(encoding="utf-8")).lower().split()


def test_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no finished study in .*: study.json is not there"):
        report.write(tmp_path)


def test_system_that_the_last_study_left_out_is_left_out(run: Path, tmp_path: Path) -> None:
    narrowed = Path(shutil.copytree(run, tmp_path / "run"))
    manifest = json.loads((narrowed / "study.json").read_text(encoding="utf-8"))
    del manifest["systems"]["sft"], manifest["systems"]["closed_book"]
    (narrowed / "study.json").write_text(json.dumps(manifest), encoding="utf-8")
    rows = [row for row in JsonLines(narrowed / "estimates.jsonl").rows() if row["system"] in manifest["systems"]]
    (narrowed / "estimates.jsonl").unlink()
    with JsonLines(narrowed / "estimates.jsonl") as log:
        for row in rows:
            log.append(row)
    whole, found = read(run), read(narrowed)
    assert found.systems == ("rag", "kg", "oracle")
    assert found.curve == ()
    assert {record.system for record in open_run(narrowed).records()} == {"rag", "kg", "oracle"}
    assert [found.line(record) for record in found.of("kg")] == [whole.line(record) for record in whole.of("kg")]


def test_failures_show_ten_of_different_sorts(run: Path) -> None:
    found = telling(read(run))
    assert len(found) == 10
    assert {failure.system for failure in found} == {"sft", "rag", "kg"}
    assert len({(failure.system, failure.headline) for failure in found}) >= 8


def test_dearer_build_pays_off_after_enough_questions(run: Path) -> None:
    known = {cost.system: cost for cost in costs(read(run))}
    pairs = {(p.dearer, p.cheaper): p.questions for p in break_even(tuple(known.values()))}
    # What callers waited for at the same time is the machine's time only once.
    saved_s = (known["kg"].mean_s - known["sft"].mean_s) / CALLERS
    assert pairs["sft", "kg"] == pytest.approx((180 - 0.4) / saved_s)
    assert pairs["rag", "closed_book"] == math.inf


def test_what_a_system_keeps_is_known_without_its_weights_and_without_its_other_seeds(tmp_path: Path) -> None:
    for place in ("model", "checkpoints/epoch-001", "seed-1/model"):
        with new_artifact(tmp_path / place, "made") as folder:
            (folder / "model.safetensors").write_bytes(bytes(1000))
    (tmp_path / "model" / "model.safetensors").unlink()
    assert size_bytes(tmp_path) == 1000
    assert math.isnan(size_bytes(tmp_path / "nothing"))
    (tmp_path / "model" / "MANIFEST.json").write_text("{}")
    assert math.isnan(size_bytes(tmp_path))


def test_epoch_is_the_first_with_ninety_percent_of_the_end() -> None:
    assert epoch_reached([point(1, 0.2), point(2, 0.73), point(3, 0.71), point(4, 0.8)]) == 2
    assert math.isnan(epoch_reached([point(1, 0.2), point(2, 0.0)]))


def test_systems_go_from_floor_to_ceiling() -> None:
    names = ["oracle", "kg", "mine", "closed_book", "sft", "rag"]
    assert ladder(names) == ("closed_book", "sft", "rag", "kg", "mine", "oracle")


def test_numbers_are_written_with_their_units() -> None:
    shares = (Estimate(0.834, 0.79, 0.861, 400), Estimate(math.nan, 0, 1, 0))
    assert [wording.rate(e) for e in shares] == ["83\u202f% [79, 86]", "no data"]
    assert [wording.seconds(s) for s in (0, 0.0853, 2.4, 450, 7500)] == [
        "0 s",
        "85.3 ms",
        "2.4 s",
        "7 min 30 s",
        "2 h 5 min",
    ]
    assert [wording.points(d) for d in (-0.052, 0.1, -0.0001)] == ["\u22125.2", "+10.0", "0.0"]
    assert [wording.size(b) for b in (12, 20_400_000)] == ["12 B", "20.4 MB"]


def test_who_was_wrong_from_the_start_did_not_have_it_right(run: Path) -> None:
    told_out = [failure for failure in telling(read(run)) if failure.headline.startswith("gave up")]
    assert told_out
    records = {r.key: r for r in read(run).records}
    for failure in told_out:
        system, probe, seed = failure.id.split("/")
        others = {name: records[name, probe, int(seed)] for name in SKILLS if name != system}
        stood = sorted(
            wording.name(name)
            for name, r in others.items()
            if r.verdicts[0].outcome is r.verdicts[-1].outcome is Outcome.CORRECT
        )
        assert failure.others == (f"{wording.listed(stood)} had it right" if stood else "no other system had it right")


def test_every_failure_names_its_record_and_is_its_anchor(run: Path, page: str) -> None:
    lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
    for failure in telling(read(run)):
        system, probe, seed = failure.id.split("/")
        number = int(failure.record.removeprefix("records.jsonl, line ").partition(":")[0])
        row = json.loads(lines[number - 1])
        assert (row["system"], row["probe"]["id"], str(row["seed"])) == (system, probe, seed)
        assert f'<li id="{failure.id}"' in page
        assert f'<a href="#{failure.id}">' in page
