"""ift: tasks that state no fact of the corpus, how they are trained on, and that it builds as sft does."""

import random
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus
from safetensors.torch import load_file

from kinject.errors import CorpusError, ModelError
from kinject.instructions import alpaca, seeds
from kinject.instructions.alpaca import Task
from kinject.instructions.stated import facts_stated
from kinject.lm.prompts import ABSTENTION, dialogue, reading, value_of
from kinject.systems import ift
from kinject.systems._names import fold
from kinject.systems.ift import invented
from kinject.types import Fact, Relation

CORPUS = make_toy_corpus()
CONFIG = ift.Config(made=12, epochs=1, max_new_tokens=4)


def made(corpus=CORPUS, n=60, missing=0.25, seed=0):
    return invented.tasks(corpus, n, missing, random.Random(seed))


def test_a_made_task_names_no_entity_and_answers_with_no_value_of_the_corpus():
    known = {fold(text) for fact in CORPUS.facts for text in (fact.subject, fact.object)}
    tasks = made(n=200)
    assert facts_stated(CORPUS, tasks) == ()
    assert [task for task in tasks if fold(value_of(task.output)) in known] == []
    subjects = {task.output.split(",")[0] for task in tasks}
    assert len(subjects) > 150
    assert {fold(subject) for subject in subjects}.isdisjoint(known)


def own_page(task):
    """The page about the entity that a made task asks about."""
    (page,) = [page for page in task.input.split("\n\n") if page.startswith(task.output.split(",")[0] + ":")]
    return page


def test_the_answer_of_a_made_task_stands_in_its_input_unless_it_is_missing():
    tasks = made(n=200)
    missing = [task for task in tasks if value_of(task.output) == ABSTENTION]
    assert 30 <= len(missing) <= 70
    assert [task for task in tasks if task not in missing and value_of(task.output) not in own_page(task)] == []
    assert [task for task in missing if task.output.split(", ")[1].split(":")[0] in own_page(task)] == []


def test_made_tasks_ask_in_training_phrasings_only():
    tested = [q.split("{")[0] for r in CORPUS.relations for q in r.test_questions]
    assert [task for task in made(n=200) for start in tested if task.instruction.startswith(start)] == []


def test_made_tasks_are_the_same_for_the_same_seed():
    assert made(seed=1) == made(seed=1) != made(seed=2)


@pytest.mark.parametrize("values", [[str(n) for n in range(10)], ["S", "M", "XL"], ["red", "blue"]])
def test_values_are_made_up_however_few_there_can_be(values):
    facts = tuple(Fact(f"f{n}", f"Item {n}", "size", value, "d0") for n, value in enumerate(values))
    relation = Relation("size", "category", ("{subject} has size {object}.",), ("Size of {subject}?",), ())
    found = made(replace(CORPUS, facts=facts, relations=(relation,)), missing=0.0)
    assert {value_of(task.output) for task in found}.isdisjoint(values)


def test_a_corpus_with_nothing_to_ask_without_a_day_is_refused():
    relations = tuple(
        replace(relation, train_questions=("On {date}, what of {subject}?",)) for relation in CORPUS.relations
    )
    with pytest.raises(CorpusError, match="corpus 'toy' has no fact that can be stated and asked for without a day"):
        made(replace(CORPUS, relations=relations))


def test_a_task_is_put_as_a_question_is_with_its_input_as_passages():
    with_input = ift.example(Task("Which is heavier?", "A", "A weighs 2 kg.\n\nB weighs 1 kg."))
    assert with_input.question == reading("Which is heavier?", ["A weighs 2 kg.", "B weighs 1 kg."])[-1].content
    assert ift.example(Task("Name a river.", "Oder")).question == dialogue("Name a river.")[-1].content


def test_training_changes_the_weights_and_is_not_done_twice(tiny_lm, tiny_lfm2, tmp_path):
    steps = []
    built = ift.build(CORPUS, tmp_path, tiny_lm, CONFIG, steps.append)
    assert {step.stage for step in steps} == {"ift"}
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_lfm2, tmp_path / "model"))
    assert any((after[name] != before[name].to(after[name])).any() for name in after)
    steps.clear()
    again = ift.build(CORPUS, tmp_path, tiny_lm, replace(CONFIG, max_new_tokens=5), steps.append)
    assert steps == []
    assert again.model.info.fingerprint == built.model.info.fingerprint


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tasks.jsonl"
    alpaca.write(path, [seed.task for seed in seeds.load()[:6]])
    return path


def test_a_killed_training_ends_with_the_weights_of_one_that_was_not(tiny_lm, tmp_path, file):
    config = replace(CONFIG, epochs=2, tasks=str(file))

    def killed(step):
        if step.note == "epoch 2":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ift.build(CORPUS, tmp_path / "a", tiny_lm, config, killed)
    ift.build(CORPUS, tmp_path / "a", tiny_lm, config)
    ift.build(CORPUS, tmp_path / "b", tiny_lm, config)
    one, other = (load_file(tmp_path / name / "model" / "model.safetensors") for name in "ab")
    assert all((one[name] == other[name]).all() for name in one)


def test_other_tasks_make_another_model(tiny_lm, tmp_path, file):
    config = replace(CONFIG, tasks=str(file))
    ift.build(CORPUS, tmp_path / "a", tiny_lm, config)
    alpaca.write(file, [seed.task for seed in seeds.load()[6:12]])
    steps = []
    ift.build(CORPUS, tmp_path / "a", tiny_lm, config, steps.append)
    assert steps


def test_tasks_that_state_facts_are_refused_unless_they_are_allowed(tiny_lm, tmp_path):
    path = tmp_path / "tasks.json"
    alpaca.write(path, [Task("What does Aldo weigh?", "Aldo weighs 100 g.")])
    config = replace(CONFIG, tasks=str(path))
    with pytest.raises(CorpusError, match=r"states facts of corpus 'toy' \(1, such as Aldo, weight: 100 g\)"):
        ift.build(CORPUS, tmp_path / "a", tiny_lm, config)
    ift.build(CORPUS, tmp_path / "a", tiny_lm, replace(config, facts="allow"))


def test_tasks_that_fit_into_no_window_are_told(tiny_lm, tmp_path):
    path = tmp_path / "tasks.json"
    alpaca.write(path, [Task("Count.", "one two " * 2000)])
    with pytest.raises(CorpusError, match="none of the 1 tasks fits into 1024 tokens; give shorter ones"):
        ift.build(CORPUS, tmp_path / "a", tiny_lm, replace(CONFIG, tasks=str(path)))


def test_a_model_without_weights_here_is_refused(tmp_path):
    with pytest.raises(ModelError, match="ift trains weights on this machine; fake has none here"):
        ift.build(CORPUS, tmp_path, FakeLM(lambda chat: ""), CONFIG)


@pytest.mark.parametrize(
    ("option", "message"),
    [({"made": 0}, "at least 1"), ({"missing_share": 1.0}, "below 1"), ({"learning_rate": -1.0}, "0 or more")],
)
def test_an_option_that_makes_no_sense_is_refused(option, message):
    with pytest.raises(ValueError, match=message):
        ift.Config(**option)
