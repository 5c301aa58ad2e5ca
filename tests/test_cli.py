"""The command line as a user meets it: what it prints, what it asks, and the code that it ends with."""

import io
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar, NamedTuple

import pytest
from rich.console import Console
from run_folder import SKILLS, make_run
from typer.testing import CliRunner

import kinject
from kinject.cli import app
from kinject.confidence import Calibration, Curve
from kinject.corpus import find, load, save
from kinject.errors import UnknownNameError
from kinject.keys import read
from kinject.lab.exam import Score
from kinject.progress import Step
from kinject.terminal import Display, Pace
from kinject.types import Answer, Estimate, Evidence, Usage
from services.options import LOOPBACK, Options, check_bind

LOUD = {"COLUMNS": "100"}


class EchoRun:
    """A finished run whose systems say their name and the question."""

    systems = ("sft", "kg")
    calibrations: ClassVar[dict] = {}

    def system(self, name: str):
        if name not in self.systems:
            raise UnknownNameError(f"no {name!r} in systems; choose one of: sft, kg")
        self.name = name
        return self

    def ask(self, question, history=()):
        evidence = (Evidence("get_fact", "Aldo \x1b[31m\n weighs 110 g", 0.5),)
        return Answer(f"{self.name}: {question}", 0.75, evidence, Usage(9, 3, 2, 0.25))


@pytest.fixture
def fake(monkeypatch) -> Callable[..., None]:
    """Put a module of the given attributes in the place of one of kinject's."""

    def put(name: str, **attributes) -> None:
        module = ModuleType(f"kinject.{name}")
        module.__path__ = [str(Path(kinject.__file__).parent.joinpath(*name.split(".")))]  # what lies in it is real
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        parent, _, leaf = module.__name__.rpartition(".")
        monkeypatch.setattr(sys.modules.get(parent) or import_module(parent), leaf, module, raising=False)

    return put


def run(*words: str, **more):
    return CliRunner().invoke(app, list(words), env=LOUD, **more)


def test_the_version_names_the_libraries_that_decide_the_numbers():
    assert run("--version").output.startswith(f"kinject {kinject.__version__} (torch ")


def test_list_names_every_plugin_with_its_first_line():
    found = json.loads(run("list", "--json").output)
    assert found["formats"].keys() >= {"csv", "json", "jsonl", "parquet"}
    assert all(line for rows in found.values() for line in rows.values())


def test_a_wrong_command_is_usage():
    assert (run("stduy").exit_code, "No such command 'stduy'" in run("stduy").stderr) == (2, True)


def test_ask_shows_the_answer_and_what_it_rests_on(fake):
    fake("study", open_run=lambda folder: EchoRun())
    result = run("ask", "runs/toy", "Weight?", "--system", "kg")
    assert result.stdout.splitlines() == [
        "kg: kg: Weight?",
        "  confidence 0.75 (sequence_probability), 2 model calls, 250 ms",
        "  [get_fact] (0.500) Aldo \N{REPLACEMENT CHARACTER}[31m weighs 110 g",
    ]


def test_ask_without_a_system_asks_all_of_them(fake):
    fake("study", open_run=lambda folder: EchoRun())
    rows = [json.loads(line) for line in run("ask", "runs/toy", "Weight?", "--json").stdout.splitlines()]
    assert [(row["system"], row["text"]) for row in rows] == [("sft", "sft: Weight?"), ("kg", "kg: Weight?")]


def test_a_mistake_is_one_line_and_exit_2(fake):
    fake("study", open_run=lambda folder: EchoRun())
    result = run("ask", "runs/toy", "Weight?", "--system", "rga")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "kinject: no 'rga' in systems; choose one of: sft, kg\n"


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A small table in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "Bike parts.csv"
    path.write_text("part,weight\nBell,40 g\nSaddle,310 g\nPedal,180 g\n", encoding="utf-8")
    return path


def test_an_import_shows_a_preview_and_writes_nothing_unasked(parts):
    result = run("import", str(parts), "--entity", "part")
    assert result.exit_code == 2
    assert "3 entities named by 'part'" in result.stdout
    assert result.stderr == "kinject: nothing was written: there is no terminal to ask on; add --yes\n"
    assert list(parts.parent.iterdir()) == [parts]


def test_an_agreed_import_is_a_corpus_and_names_the_next_command(parts):
    result = run("import", str(parts), "--entity", "part", "--yes")
    assert result.stdout.splitlines()[-1] == "wrote corpora/bike-parts; next: kinject study corpora/bike-parts"
    assert [fact.object for fact in load(Path("corpora/bike-parts")).facts] == ["40 g", "310 g", "180 g"]


def test_the_next_import_remembers_what_was_decided(parts):
    run("import", str(parts), "--entity", "part", "--label", "weight=mass", "--yes")
    run("import", str(parts), "--yes")
    assert [relation.name for relation in load(Path("corpora/bike-parts")).relations] == ["mass"]


def test_an_import_never_replaces_a_corpus_that_was_written_by_hand(parts, toy_corpus):
    save(toy_corpus, Path("corpora/toy"))
    result = run("import", str(parts), "--entity", "part", "--name", "toy", "--yes")
    detail = "corpora/toy holds a corpus that was not imported; choose another --name"
    assert (result.exit_code, result.stderr) == (2, f"kinject: {detail}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say which column names what each row is about: --entity COLUMN (columns: part, weight)"),
        (["--entity", "prat"], "no column 'prat' to name the entities (did you mean 'part'?); columns: part, weight"),
        (["--entity", "part", "--role", "weight"], "--role expects COLUMN=VALUE, found 'weight'"),
        (["--entity", "part", "--name", "../x"], "'../x' cannot name a corpus; use letters, digits, '-', '_' and '.'"),
    ],
)
def test_a_bad_import_is_one_line_and_writes_nothing(parts, words, said):
    result = run("import", str(parts), "--yes", *words)
    assert (result.exit_code, result.stderr) == (2, f"kinject: {said}\n")
    assert list(parts.parent.iterdir()) == [parts]


class FakeStudy(NamedTuple):
    """What a study was asked to do."""

    corpus: Path
    out: Path
    model: str
    systems: tuple[str, ...]
    settings: tuple[str, ...]
    full: bool
    seed: int
    probes: tuple[Path, ...] = ()
    reuse: Path | None = None
    jobs: int = 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run made by hand, of two systems."""
    return make_run(tmp_path_factory.mktemp("runs") / "toy", {name: SKILLS[name] for name in ("rag", "kg")}, n=4)


@pytest.fixture
def studied(fake, finished, tmp_path, monkeypatch) -> list[FakeStudy]:
    """A study that is done at once, with a report; the list fills with what it was asked to do."""
    asked: list[FakeStudy] = []

    def study(plan, progress):
        asked.append(plan)
        progress(Step("ask", 1, 2, "recall 1/2"))
        return finished

    # First, as the report imports what the fake is put in place of.
    monkeypatch.setattr("kinject.report.write", lambda folder: None)
    fake("study", Study=FakeStudy, run=study)
    monkeypatch.chdir(tmp_path)
    return asked


def test_a_study_ends_with_its_table_and_where_its_report_is(studied, finished):
    result = run("study", "catalog", "--systems", "rag, kg", "--set", "sft.epochs=2", "--seed", "3")
    out, systems, settings = Path("runs/catalog"), ("rag", "kg"), ("sft.epochs=2",)
    assert studied == [FakeStudy(find("catalog"), out, "mini", systems, settings, full=False, seed=3)]
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in (lines[2], *lines[4:6])] == ["system", "rag", "kg"]
    assert lines[-1] == f"report: {finished / 'report.html'}; next: kinject serve {finished}"
    assert result.stderr == "ask 1/2  recall 1/2\n"


def test_a_study_takes_files_of_own_probes(studied):
    run("study", "catalog", "--probes", "a.csv", "--probes", "b.jsonl")
    assert [plan.probes for plan in studied] == [(Path("a.csv"), Path("b.jsonl"))]


def test_a_study_of_a_table_imports_it_on_the_way(studied, parts):
    result = run("study", str(parts), "--entity", "part")
    assert "it would ask" in result.stdout
    assert [(plan.corpus, plan.out) for plan in studied] == [(Path("corpora/bike-parts"), Path("runs/bike-parts"))]


def test_an_entity_without_a_table_is_a_mistake(studied):
    result = run("study", "catalog", "--entity", "name")
    assert (result.exit_code, studied) == (2, [])
    assert result.stderr == "kinject: --entity is for a data file, and 'catalog' is none\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_study_says_how_to_go_on(fake, monkeypatch, number):
    def study(plan, progress):
        os.kill(os.getpid(), number)
        time.sleep(9)

    before = signal.getsignal(number)
    fake("study", Study=FakeStudy, run=study)
    monkeypatch.setattr(sys, "argv", ["kinject", "study", "catalog", "--out", "my runs/a"])
    result = run("study", "catalog", "--out", "my runs/a")
    assert result.exit_code == 130
    assert result.stderr == "kinject: interrupted; the same command goes on: kinject study catalog --out 'my runs/a'\n"
    assert signal.getsignal(number) == before


def test_a_disk_that_fails_is_one_line_and_exit_1(fake):
    def study(plan, progress):
        raise OSError(28, "No space left on device", "runs/catalog")

    fake("study", Study=FakeStudy, run=study)
    result = run("study", "catalog")
    assert (result.exit_code, result.stderr) == (1, "kinject: [Errno 28] No space left on device: 'runs/catalog'\n")


@pytest.fixture
def served(fake, monkeypatch):
    calls = []
    fake("_service", __path__=[])
    fake("_service.app", create_app=lambda folder, options: (folder, options))
    fake("_service.options", Options=Options, check_bind=check_bind)
    monkeypatch.setitem(sys.modules["kinject._service"].__dict__, "__spec__", ModuleSpec("kinject._service", None))
    fake("_service.serving", run=lambda app, host, port: calls.append((*app, host)))
    return calls


def test_serve_listens_on_this_machine_only(served):
    assert run("serve", "runs/toy").exit_code == 0
    assert served == [(Path("runs/toy"), Options(hosts=LOOPBACK), "127.0.0.1")]


def test_serve_listens_to_other_machines_only_with_keys_or_by_force(served, tmp_path):
    refused = run("serve", "runs/toy", "--host", "0.0.0.0")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "whoever reaches 0.0.0.0 could ask: it takes a key" in refused.stderr
    assert served == []
    assert "wants no key" in run("serve", "runs/toy", "--host", "0.0.0.0", "--force").stderr
    run("key", "add", str(tmp_path / "keys"), "alice")
    assert "wants no key" not in run("serve", "runs/toy", "--host", "0.0.0.0", "--keys", str(tmp_path / "keys")).stderr
    assert [(options.hosts, bool(options.keys)) for _, options, _ in served] == [((), False), ((), True)]


def test_strangers_without_a_key_cannot_be_let_edit(served):
    refused = run("serve", "runs/toy", "--host", "0.0.0.0", "--allow-edits", "--force")
    assert refused.exit_code == 2
    assert "could change facts" in refused.stderr
    assert served == []


def test_a_key_is_shown_once_and_only_its_hash_kept(tmp_path):
    made = run("key", "add", str(tmp_path / "keys"), "alice")
    key = made.stdout.strip()
    assert "shown once" in made.stderr
    assert key not in (tmp_path / "keys").read_text()
    assert read(tmp_path / "keys").owner(key) == "alice"


def test_an_exam_shows_every_ability_with_its_interval(fake):
    share = Score("reading", "passages=4", Estimate(0.9, 0.8, 0.95, 40))
    area = Score("AUROC of confidence", "reading", Estimate(0.9, 0.8, 0.95, 40), is_area=True)
    result = SimpleNamespace(scores=(share, area), fingerprint="0123456789ab")
    fake("lab.exam", Config=ExamConfig, run=lambda model, config, progress: result)
    fake("lm", open_model=lambda name: name)
    lines = run("exam", "mini", "--set", "n=1").stdout.replace("\u202f", " ").splitlines()
    assert "exam 0123456789ab of mini" in lines[0]
    assert re.split(r"  +", lines[-2].strip()) == ["reading", "passages=4", "90 % [80, 95]", "40", "high"]
    assert re.split(r"  +", lines[-1].strip()) == ["AUROC of confidence", "reading", "0.90 [0.80, 0.95]", "40", "high"]


def test_pretrain_settles_its_options_before_it_starts(fake, tmp_path):
    asked = []
    fake("lab.pretrain", Config=ExamConfig, run=lambda config, out, progress: asked.append((config, out)) or out)
    result = run("pretrain", "--out", str(tmp_path / "mini"), "--set", "n=5", "--seed", "2")
    assert asked == [(ExamConfig(n=5, seed=2), tmp_path / "mini")]
    assert result.stdout.endswith(f"next: kinject exam {tmp_path / 'mini'}\n")


@dataclass(frozen=True)
class ExamConfig:
    n: int = 1
    seed: int = 0


def test_a_pace_counts_only_what_was_done_since_the_start():
    pace = Pace()
    assert [str(pace.left_s(0, 100, 300)), pace.left_s(10, 110, 300)] == ["nan", 190.0]


def test_progress_is_plain_lines_where_there_is_no_terminal():
    out, seconds = io.StringIO(), iter(range(0, 100, 4))
    with Display(Console(file=out), clock=lambda: next(seconds)) as display:
        for done in range(6):
            display(Step("sft", done, 5, f"recall {done}/5"))
    assert out.getvalue().splitlines() == [
        "sft 0/5  recall 0/5",
        "sft 3/5  eta 0:08  recall 3/5",
        "sft 5/5  recall 5/5",
    ]


def test_progress_on_a_terminal_shows_notes_as_they_are():
    out = io.StringIO()
    with Display(Console(file=out, force_terminal=True, width=100)) as display:
        display(Step("build [kg]", 2, 2, "[red]"))
    assert "build [kg]" in out.getvalue()
    assert "[red]" in out.getvalue()


def test_ask_withholds_what_is_not_sure_enough(fake):
    calibration = Calibration("probability", Curve((0.0, 1.0), (0.0, 0.8)), 0.7, 0.1, 40, {})
    fake("study", open_run=lambda folder: type("Run", (EchoRun,), {"calibrations": {"kg": calibration}})())
    result = run("ask", "runs/toy", "Weight?", "--system", "kg", "--min-confidence", "0.61")
    assert result.stdout.splitlines()[:2] == [
        "kg: I don't know.",
        "  confidence 0.75 (sequence_probability), right with a chance of 0.60 and so withheld, 2 model calls, 250 ms",
    ]
    given = run("ask", "runs/toy", "Weight?", "--system", "kg", "--min-confidence", "0.6", "--json")
    row = json.loads(given.stdout)
    assert (row["text"], row["calibrated_confidence"], row["withheld"]) == ("kg: Weight?", pytest.approx(0.6), False)


@pytest.mark.parametrize(("least", "says"), [("2", "found 2"), ("much", "found much"), ("0.5", "has none for 'kg'")])
def test_a_least_confidence_that_cannot_be_held_is_one_line(fake, least, says):
    fake("study", open_run=lambda folder: EchoRun())
    result = run("ask", "runs/toy", "Weight?", "--system", "kg", "--min-confidence", least)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert says in result.stderr
