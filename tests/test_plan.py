"""kinject.forecast: what a study would take, measured on samples and carried to full size."""

import json
import random
from dataclasses import replace

import pytest
from conftest import make_toy_corpus
from typer.testing import CliRunner

from benchmarks import products, scale
from kinject import corpus, forecast
from kinject.cli import app
from kinject.corpus import importing
from kinject.errors import CorpusError, OptionError
from kinject.forecast import Budget, Forecast, Stage, Wanted, calibrating, sampling, sources
from kinject.forecast.measuring import Line, line
from kinject.study import Study
from kinject.study.plan import settle
from kinject.systems import kg, rag
from kinject.terminal import forecast_table

TOY = make_toy_corpus()
GIB = 2**30
QUICK = ("recall=2", "temporal=2", "unanswerable=2", "pushback=1", "injection=1")
QUICK += ("kg.max_model_calls=1", "kg.max_tool_calls=1", "sft.epochs=3", "sft.max_new_tokens=2", "sft.paraphrases=1")


@pytest.fixture(scope="module", autouse=True)
def small_samples():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SIZES": (1, 2, 6), "ASKED": 2}.items():
            patch.setattr(calibrating, name, value)
        patch.setattr(sources, "ROWS", (10, 20, 60))
        yield


@pytest.fixture(scope="module")
def found(tiny_lfm2, tmp_path_factory) -> Forecast:
    folder = tmp_path_factory.mktemp("plan")
    corpus.save(TOY, folder / "toy")
    return forecast.forecast(Wanted(folder / "toy", "", str(tiny_lfm2), ("sft", "kg"), QUICK, entities=800))


def test_every_stage_of_a_study_is_foreseen(found):
    names = ["probes", *(f"{what} {s}" for s in ("sft", "kg") for what in ("build", "ask"))]
    assert [stage.name for stage in found.stages] == names
    assert all(stage.seconds >= 0 and stage.memory_bytes > 0 and stage.disk_bytes >= 0 for stage in found.stages)


def test_a_forecast_is_for_the_entities_that_were_asked_for(found):
    assert (found.entities, found.facts) == (800, 4800)


def test_training_grows_with_entities_and_epochs_and_says_what_the_weights_hold(found):
    (build,) = [stage for stage in found.stages if stage.name == "build sft"]
    assert "3 epochs" in build.law
    assert "entities an hour here" in found.notes[0]


def test_building_is_carried_to_full_size_by_what_grows(monkeypatch, tmp_path, found):
    # A clock that moves by what is built: 2 s once, and 3 s an entity.
    seconds = iter([2 + 3 * 1, 3 * 2, 3 * 6])
    monkeypatch.setattr(calibrating, "timed", lambda work: (next(seconds), work()))
    source = sources.Source(TOY, 1000, ())
    plan = settle(Study(tmp_path, tmp_path, systems=("kg",)))
    ruler = calibrating._Ruler(source, plan, None, random.Random(0), lambda step: None)
    built = ruler._building("kg", plan.configs["kg"], tmp_path)
    assert built.stage.seconds == pytest.approx(2 + 3 * 1000)


def test_growth_is_seen_beyond_what_is_paid_once():
    assert line([(1, 5.0), (10, 1.0), (100, 10.0)]) == Line(fixed=4.9, slope=0.1)
    assert line([(10, 1.0)]) == Line(fixed=0.0, slope=0.1)


def test_a_sample_keeps_the_documents_that_state_its_facts():
    part = sampling.sampled(TOY, 3, random.Random(0))
    part.check()
    assert len(part.entities()) == len(part.documents) == 3
    assert sampling.sampled(TOY, 8, random.Random(0)) is TOY


def stage(name: str, seconds: float = 1.0, gib: float = 0.1) -> Stage:
    return Stage(name, seconds, gib * GIB, 0.0, "linear", "1/s")


def test_what_breaks_first_is_named_with_what_takes_over():
    told = Forecast("c", "m", 9, 9, (stage("build sft", 7300), stage("build rag", 1, 9), stage("ask kg")), (), 1.0)
    budget = Budget(hours=1, gib=3)
    assert [one.name for one in told.broken(budget)] == ["build rag", "build sft"]
    assert told.verdict(budget).startswith("build rag breaks first (over 1 h and 3 GiB a stage): a smaller or static")
    assert told.verdict(Budget(9, 99)) == "every stage is within 9 h and 99 GiB a stage"
    assert forecast_table(told, budget).count(" over ") == 3


def test_a_file_is_foreseen_with_its_import(tiny_lfm2, tmp_path):
    products.write(tmp_path / "p.csv", 80)
    settings = tuple(one for one in QUICK if not one.startswith("sft"))
    wanted = Wanted(tmp_path / "p.csv", "name", str(tiny_lfm2), ("kg",), settings, entities=400)
    found = forecast.forecast(wanted)
    assert (found.stages[0].name, found.entities, found.facts) == ("import", 400, 400 * 8)
    with pytest.raises(CorpusError, match="which column names what each row is about"):
        forecast.forecast(replace(wanted, entity=""))


def test_the_command_prints_a_table_and_json(tiny_lfm2, tmp_path):
    corpus.save(TOY, tmp_path / "toy")
    words = ["plan", str(tmp_path / "toy"), "--model", str(tiny_lfm2), "--systems", "kg", "--gib", "0.1"]
    words += [word for setting in QUICK if not setting.startswith("sft") for word in ("--set", setting)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "breaks first" in told.stdout
    row = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert [one["over"] for one in row["stages"]] == [True, True, True]


def test_products_are_the_same_for_the_same_seed_and_of_every_kind(tmp_path):
    for name in ("a", "b"):
        products.write(tmp_path / f"{name}.csv", 300, seed=3)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    plan = importing.plan(tmp_path / "a.csv", "a", "name")
    kinds = {column.kind for column in plan.columns}
    assert (kinds, plan.counts["facts"]) == ({"entity", "number", "category", "date"}, 2400)


def test_scale_refuses_a_stage_that_there_is_not():
    with pytest.raises(OptionError, match="'sft' is none of import, rag, kg"):
        scale.main(["--stages", "sft"])


def test_a_sample_is_built_as_the_full_corpus_would_be():
    assert [rag.at_size(rag.Config(), n, 0).embedder for n in (10, 50_000)] == ["all-MiniLM-L6-v2", "static"]
    assert [rag.at_size(rag.Config(), n, 0).index for n in (10, 300_000)] == ["flat", "hnsw"]
    found = [calibrating._as_at_full_size(kg, kg.Config(), TOY, n).compact_above for n in (10, 100_000)]
    assert found == [200_000, 0]
