"""What every plugin must hold to: a new file in a folder is tested here without an edit."""

import dataclasses
import inspect
import random
import tokenize
from pathlib import Path

import pytest
from conftest import make_toy_corpus

from kinject import plugins
from kinject.grading import Grader
from kinject.types import Answer, Estimate, Evidence, Probe, Record, System, Turn, Usage

CORPUS = make_toy_corpus()
SYSTEMS = plugins.names("kinject.systems")
# A family whose probes a user writes makes none: tests/test_probes_own.py.
KINDS = [kind for kind in plugins.names("kinject.probes") if hasattr(plugins.load("kinject.probes", kind), "make")]
# What makes a build quick on a tiny model; a system without such an option takes its defaults.
QUICK = {"epochs": 1, "made": 8, "paraphrases": 1, "max_new_tokens": 4, "max_model_calls": 2, "dev": 2}


def quick(config):
    known = {field.name for field in dataclasses.fields(config)}
    return config(**{name: value for name, value in QUICK.items() if name in known})


@pytest.fixture(scope="module")
def built(tiny_lm, tmp_path_factory):
    made = {}

    def build(name):
        if name not in made:
            module = plugins.load("kinject.systems", name)
            store = tmp_path_factory.mktemp(name)
            made[name] = module.build(CORPUS, store, tiny_lm, quick(module.Config))
        return made[name]

    return build


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_has_a_frozen_config_with_defaults_and_a_comment_each(name):
    config = plugins.load("kinject.systems", name).Config
    assert config.__dataclass_params__.frozen
    config()
    lines = inspect.getsource(config).splitlines()
    fields = [line for line in lines for f in dataclasses.fields(config) if line.strip().startswith(f"{f.name}:")]
    assert [line for line in fields if "  # " not in line] == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_answers_with_a_confidence_and_evidence_and_what_it_cost(name, built):
    system = built(name)
    assert isinstance(system, System)
    answer = system.ask("Which weight does Aldo have?")
    assert isinstance(answer, Answer)
    assert 0 <= answer.confidence <= 1
    assert all(isinstance(one, Evidence) and one.source for one in answer.evidence)
    assert answer.usage.model_calls >= 1
    assert answer.usage.seconds > 0
    assert isinstance(answer.usage, Usage)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_is_stateless(name, built):
    system, history = built(name), (Turn("user", "How heavy is Aldo?"), Turn("assistant", "1 g"))
    first = system.ask("Which weight does Brila have?").text
    system.ask("Are you sure?", history)
    assert system.ask("Which weight does Brila have?").text == first


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("question", ["?", "Что это?", "x" * 40, "'; DROP TABLE facts; --"])
def test_a_system_answers_whatever_it_is_asked(name, question, built):
    assert isinstance(built(name).ask(question).text, str)


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_makes_the_same_valid_probes_for_the_same_seed(kind):
    make = plugins.load("kinject.probes", kind).make
    probes = make(CORPUS, 8, random.Random(1))
    assert probes == make(CORPUS, 8, random.Random(1))
    assert probes
    assert len({probe.id for probe in probes}) == len(probes)
    assert {probe.kind for probe in probes} == {kind}
    assert all(isinstance(probe, Probe) and probe.question.strip() for probe in probes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_familys_pairs_and_facts_exist(kind):
    probes = plugins.load("kinject.probes", kind).make(CORPUS, 8, random.Random(1))
    ids, facts = {probe.id for probe in probes}, {fact.id for fact in CORPUS.facts}
    assert {probe.pair for probe in probes} - {""} <= ids
    assert {fact for probe in probes for fact in probe.facts} <= facts


@pytest.mark.parametrize("kind", KINDS)
def test_no_probe_asks_in_a_training_phrasing(kind):
    trained = {
        template.format(subject=name, date="").strip()
        for relation in CORPUS.relations
        for template in relation.train_questions
        for name in CORPUS.entities()
        if "{date}" not in template
    }
    probes = plugins.load("kinject.probes", kind).make(CORPUS, 40, random.Random(1))
    assert {probe.question for probe in probes} & trained == set()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asked", [0, 8])
def test_a_family_sums_up_records_in_estimates_whatever_was_answered(kind, asked):
    family, grader = plugins.load("kinject.probes", kind), Grader(CORPUS)
    probes = family.make(CORPUS, 8, random.Random(1))[:asked]
    records = [
        Record("toy", "rag", 0, probe, (Answer(text, 0.5),) * turns, (grader.grade(text, probe),) * turns)
        for number, probe in enumerate(probes)
        for turns in (1 + len(probe.turns),)
        for text in (probe.gold[0] if probe.gold and number % 2 else "I don't know.",)
    ]
    found = family.summarize(records)
    assert found
    assert all(isinstance(estimate, Estimate) for estimate in found.values())
    assert all(e.low <= e.value <= e.high for e in found.values() if e.value == e.value)


@pytest.mark.parametrize("package", ["kinject.systems", "kinject.probes", "kinject.corpus.formats"])
def test_a_plugin_says_in_its_first_line_what_it_is(package):
    for name in plugins.names(package):
        first = (plugins.load(package, name).__doc__ or "").splitlines()[0]
        assert first.strip(), name


def test_no_source_unpickles_or_evaluates():
    banned = {"pickle", "joblib", "dill", "eval", "exec"}
    for path in sorted((Path(plugins.__file__).parent / "systems").rglob("*.py")):
        with path.open("rb") as file:
            names = {token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME}
        assert not names & banned - ({"eval"} if "model.eval()" in path.read_text(encoding="utf-8") else set()), path
