"""Instruction data from a chat model: what it is asked, what is kept, how a killed build goes on."""

import json
import random
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import FakeLM, make_toy_corpus
from typer.testing import CliRunner

from kinject.cli import app
from kinject.corpus import save
from kinject.errors import CorpusError, ModelError, OptionError, PromptTooLongError, StoreError
from kinject.instructions import alpaca, backtranslation, report, seeds, selection, self_instruct
from kinject.instructions.alpaca import Task
from kinject.instructions.build import Job, build, report_file, work_folder
from kinject.instructions.config import Config
from kinject.instructions.log import Log
from kinject.instructions.stated import facts_stated
from kinject.lm.base import Completion
from kinject.options import fill
from kinject.progress import silent

CORPUS = make_toy_corpus()
CONFIG = Config(self_instruct=12, documents=4)
VERBS = ("Explain", "Compare", "Invent", "Sort", "List", "Praise", "Count")


def words_of(texts):
    """Vectors of length 1 in which texts of the same first word are alike."""
    rows = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        row[sum(map(ord, text.split()[0])) % 60] = 1.0
        row[60 + len(text) % 4] = 0.1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def author(chat):
    """A model that does all that it is asked; the same prompt has the same reply."""
    asked = chat.messages[-1].content
    rng = random.Random(asked)
    coined = ["".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(8)]
    if "as a numbered list" in asked:
        return "\n".join(f"{n}. {rng.choice(VERBS)} {' '.join(rng.sample(coined, 5))}." for n in range(9, 14))
    if "small fixed set of labels" in asked:
        return "small, large" if asked.startswith("Task: Sort") else "no"
    if "Write one example" in asked:
        return f"Input: none\nOutput: {' '.join(coined)}"
    if "Write a text for which" in asked:
        return f"It is {' '.join(coined)}."
    if "Which one instruction" in asked:
        return f'Instruction: "Describe the lamp {asked.partition(chr(10))[0]}."'
    return "Complete.\nScore: 4" if "How good is" in asked else "yes"


def job(reply=author, config=CONFIG):
    return Job(CORPUS, FakeLM(reply) if reply else None, words_of, config)


def asked(one):
    return sorted(chat.messages[-1].content for chat in one.model.chats)


def rows(out):
    return (work_folder(out) / "log.jsonl").read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished build: its job and its file."""
    one, out = job(), tmp_path_factory.mktemp("whole") / "tasks.jsonl"
    build(one, out)
    return one, out


def test_a_file_holds_the_seeds_what_was_invented_and_what_documents_answer(whole):
    tasks = alpaca.read(whole[1])
    assert [task.source for task in tasks] == [
        *["seed"] * len(seeds.load()),
        *["self-instruct"] * 12,
        *["back-translation"] * 4,
    ]


def test_a_request_shows_six_seeds_and_two_invented_tasks_once_there_are_some(whole):
    prompts = [c.messages[-1].content for c in whole[0].model.chats if "as a numbered list" in c.messages[-1].content]
    written = {" ".join(seed.task.instruction.split()) for seed in seeds.load()}
    shown = [re.findall(r"^\d\. (.*)$", prompt, re.MULTILINE) for prompt in prompts]
    assert [len(tasks) for tasks in shown] == [8] * len(prompts)
    assert {sum(task in written for task in tasks) for tasks in shown[:8]} == {8}
    config = replace(CONFIG, self_instruct=60)
    one = job(config=config)
    with Log(whole[1].parent / "more.jsonl", "") as log:
        self_instruct.grow(one.model, config, log, silent)
    last = [c.messages[-1].content for c in one.model.chats if "as a numbered list" in c.messages[-1].content][-1]
    assert sum(task in written for task in re.findall(r"^\d\. (.*)$", last, re.MULTILINE)) == 6


def test_a_classification_has_one_of_its_labels_and_an_input_written_for_it(whole):
    sorts = [t for t in alpaca.read(whole[1]) if t.source == "self-instruct" and t.instruction.startswith("Sort ")]
    assert sorts
    assert {task.output for task in sorts} <= {"small", "large"}
    assert all(task.input.startswith("It is ") for task in sorts)


def test_a_document_is_the_answer_to_the_instruction_that_was_found_for_it(whole):
    found = [task for task in alpaca.read(whole[1]) if task.source == "back-translation"]
    texts = {f"Describe the lamp {document.title}.": document.text for document in CORPUS.documents}
    assert all(texts[task.instruction] == task.output for task in found)


def test_the_same_seed_asks_the_same_and_another_one_does_not(whole, tmp_path):
    same, other = job(), job(config=replace(CONFIG, seed=1))
    build(same, tmp_path / "same.jsonl")
    build(other, tmp_path / "other.jsonl")
    assert asked(same) == asked(whole[0])
    assert (tmp_path / "same.jsonl").read_text() == whole[1].read_text()
    assert asked(other) != asked(whole[0])


@pytest.mark.parametrize("answered", [10, 45, 90])
def test_a_killed_build_goes_on_and_ends_as_one_that_was_not(whole, tmp_path, answered):
    def dies(chat):
        if len(killed.model.chats) > answered:
            raise ModelError("the endpoint is gone")
        return author(chat)

    killed, again, out = job(dies), job(), tmp_path / "tasks.jsonl"
    with pytest.raises(ModelError, match="gone"):
        build(killed, out)
    assert not out.exists()
    build(again, out)
    assert out.read_text() == whole[1].read_text()
    assert rows(out) == rows(whole[1])
    assert set(asked(again)) <= set(asked(whole[0]))


def test_a_log_that_ends_within_a_round_is_gone_on_with_as_if_it_did_not(whole, tmp_path):
    out = tmp_path / "tasks.jsonl"
    work_folder(out).mkdir()
    lines = rows(whole[1]).splitlines(keepends=True)
    (work_folder(out) / "log.jsonl").write_text("".join(lines[:4]) + lines[4][:20])
    build(job(), out)
    assert rows(out) == rows(whole[1])


def test_a_finished_build_is_not_asked_again_and_may_be_enlarged(whole, tmp_path):
    out = tmp_path / "tasks.jsonl"
    work_folder(out).mkdir()
    (work_folder(out) / "log.jsonl").write_text(rows(whole[1]))
    again, larger = job(), job(config=replace(CONFIG, documents=8))
    build(again, out)
    build(larger, out)
    assert again.model.chats == []
    assert [text for text in asked(larger) if "as a numbered list" in text] == []
    assert alpaca.read(out)[:-4] == alpaca.read(whole[1])


def test_a_log_of_another_build_is_refused(whole, tmp_path):
    out = tmp_path / "tasks.jsonl"
    work_folder(out).mkdir()
    (work_folder(out) / "log.jsonl").write_text(rows(whole[1]))
    with pytest.raises(StoreError, match=r"log\.jsonl is of another corpus, model or option; choose another file"):
        build(job(config=replace(CONFIG, novelty=0.5)), out)


def test_what_repeats_a_task_of_the_same_round_is_turned_away(tmp_path):
    same = "9. Explain how bread rises in the oven."
    one = job(lambda chat: same if "as a numbered list" in chat.messages[-1].content else author(chat))
    made = build(one, tmp_path / "a.jsonl")
    assert made.sources["self-instruct"] == 1
    assert made.rejected == {self_instruct.REPEATS: 31}  # four rounds of eight: three more bring nothing


@pytest.mark.parametrize(
    ("pattern", "reply", "reason"),
    [
        ("as a numbered list", "Gladly!", "no list in the reply"),
        ("as a numbered list", "1. Draw a map of the town.", "needs more than text"),
        ("Write one example", "Of course.", self_instruct.NO_OUTPUT),
        ("Write one example", "Input: none\nOutput: I cannot say.", "refusal"),
        ("Write a text for which", " ", self_instruct.NO_OUTPUT),
        ("Somebody is given", "No.", "unclear by itself"),
        ("Which one instruction", "Describe this product.", "refers to a text that is not there"),
        ("Which one instruction", "Describe a lamp of the series.", self_instruct.REPEATS),
        ("How good is", "Hm.\nScore: 3", "score below 4"),
        ("How good is", "Hm.", "no score in the reply"),
    ],
)
def test_every_rejection_is_counted_by_its_reason(tmp_path, pattern, reply, reason):
    one = job(lambda chat: reply if pattern in chat.messages[-1].content else author(chat))
    made = build(one, tmp_path / "a.jsonl")
    assert made.rejected[reason] > 0
    assert json.loads(report_file(tmp_path / "a.jsonl").read_text())["rejected"] == made.rejected


class CutOff(FakeLM):
    """A model of few words."""

    def complete(self, chat):
        said = super().complete(chat)
        return Completion(said.text, (), said.log_probabilities, said.prompt_tokens, "length")


class Narrow(FakeLM):
    def complete(self, chat):
        raise PromptTooLongError("a prompt of 9 tokens does not fit into 8")


@pytest.mark.parametrize(
    ("model", "reason"),
    [(CutOff(author), self_instruct.CUT_OFF), (Narrow(author), self_instruct.TOO_LONG)],
)
def test_a_model_that_fails_throughout_leaves_the_seeds(tmp_path, model, reason):
    made = build(Job(CORPUS, model, words_of, CONFIG), tmp_path / "a.jsonl")
    assert made.sources == {"seed": len(seeds.load())}
    assert made.rejected[reason] >= 4


def test_a_task_whose_examples_do_not_fit_is_turned_away_alone(tmp_path):
    def reply(chat):
        if "Write one example" in chat.messages[-1].content:
            raise PromptTooLongError("a prompt of 9 tokens does not fit into 8")
        return author(chat)

    made = build(job(reply), tmp_path / "a.jsonl")
    assert set(made.rejected) == {self_instruct.TOO_LONG}
    assert made.sources["self-instruct"] == 12  # classifications, whose examples are asked for otherwise


def test_nothing_is_invented_where_none_is_wanted(tmp_path):
    one = job(config=replace(CONFIG, self_instruct=0))
    build(one, tmp_path / "a.jsonl")
    assert [text for text in asked(one) if "as a numbered list" in text] == []


def test_nothing_that_passed_is_an_error_with_the_reasons(tmp_path):
    one = job(lambda chat: "Gladly!", replace(CONFIG, seed_tasks=False))
    with pytest.raises(CorpusError, match=r"no task passed \(no list in the reply 24, .*a\.json was not written"):
        build(one, tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()


def test_without_a_model_titles_become_instructions(tmp_path):
    build(job(None, replace(CONFIG, seed_tasks=False, documents=99)), tmp_path / "a.json")
    tasks = alpaca.read(tmp_path / "a.json")
    titles = {document.text: document.title for document in CORPUS.documents}
    assert {task.source for task in tasks} == {"title"}
    assert all(
        task.instruction in [t.format(title=titles[task.output]) for t in backtranslation.TITLES] for task in tasks
    )
    assert len(tasks) == len(CORPUS.documents)
    assert not work_folder(tmp_path / "a.json").exists()


def test_a_document_without_a_title_or_a_text_gives_no_instruction():
    bare, empty = (replace(CORPUS.documents[0], **change) for change in ({"title": ""}, {"text": " "}))
    outcomes = backtranslation.from_titles([bare, empty], CONFIG)
    assert sorted(one.reason for outcome in outcomes for one in outcome.rejected) == ["empty answer", "no title"]


@pytest.mark.parametrize(
    ("most", "text"),
    [(99, "One two. Three four! Five."), (4, "One two. Three four!"), (3, "One two."), (1, "One two.")],
)
def test_a_long_document_is_cut_at_the_end_of_a_sentence(most, text):
    assert backtranslation.beginning("One two. Three four! Five.", most) == text


def test_a_choice_has_a_task_of_every_cluster():
    tasks = [Task(f"{verb} item {'x' * n}", "a " * n) for verb in VERBS for n in range(1, 5)]
    chosen = selection.choose(tasks, len(VERBS), words_of, "central", seed=0)
    assert [task.instruction.split()[0] for task in chosen] == list(VERBS)
    assert chosen == selection.choose(tasks, len(VERBS), words_of, "central", seed=0)


def test_the_longest_answer_stands_for_its_cluster_where_that_is_wanted():
    tasks = [Task(f"{verb} item {'x' * n}", "a " * n) for verb in VERBS for n in range(1, 5)]
    chosen = selection.choose(tasks, len(VERBS), words_of, "longest", seed=0)
    assert {task.output for task in chosen} == {"a " * 4}


@pytest.mark.parametrize(("n", "found"), [(0, 5), (3, 3), (5, 5), (9, 5)])
def test_a_choice_has_as_many_tasks_as_are_wanted_even_of_equal_ones(n, found):
    tasks = [Task("Sing low.", str(number)) for number in range(5)]
    assert len(set(selection.choose(tasks, n, words_of, "central", seed=0))) == found


def test_facts_that_outputs_state_are_found_by_subject_and_object():
    said = Task("Describe Aldo.", "Aldo is made of steel; it weighs 100 g.")
    asks = Task("What does Brila weigh?", "110 g")
    wrong = Task("Describe Corvo.", "Corvo weighs 1120 g.")
    found = facts_stated(CORPUS, [said, asks, wrong])
    assert [(fact.subject, fact.object) for fact in found] == [("Aldo", "100 g"), ("Aldo", "steel"), ("Brila", "110 g")]


def test_a_report_describes_diversity_and_length():
    tasks = [Task("Name a river", "Oder"), Task("Name a lake", "Mjosa lies north", "in Norway", "seed")]
    found = report.describe(tasks, {"too short": 2}, 1, 48, random.Random(0))
    assert (found.distinct_1, found.distinct_2, found.likeness, found.pairs) == (4 / 6, 3 / 4, pytest.approx(2 / 3), 1)
    assert (found.sources, found.roots) == ({"other": 1, "seed": 1}, {"name river": 1, "name lake": 1})
    assert (found.instruction, found.input.n, found.output.mean) == (report.Lengths(3.0, 3.0, 3.0, 2), 1, 2)
    assert "| facts of the corpus that outputs state | 1 of 48 |" in found.markdown()
    assert found.markdown().endswith("| too short | 2 |")


def test_the_likeness_of_many_tasks_is_of_drawn_pairs():
    tasks = [Task(f"Name item {n}", "x") for n in range(200)]
    found = report.describe(tasks, {}, 0, 0, random.Random(0))
    assert (found.pairs, found.likeness) == (2000, pytest.approx(2 / 3))
    assert found.markdown().endswith("| none | 0 |")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("n=-1", "n must be 0 or more"),
        ("novelty=0", "above 0"),
        ("min_score=6", "from 0 to 5"),
        ("words=0", "at least 1"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(setting, message):
    with pytest.raises(OptionError, match=message):
        fill(Config, [setting])


@pytest.fixture
def folder(tmp_path):
    save(CORPUS, tmp_path / "toy")
    return tmp_path


def test_the_command_shows_the_report_and_where_the_tasks_are(folder):
    out = folder / "tasks.json"
    result = CliRunner().invoke(app, ["instruct", str(folder / "toy"), "--out", str(out), "--set", "documents=3"])
    assert result.stdout.startswith("| diversity | value |\n")
    assert result.stdout.endswith(f"wrote {out} and {folder / 'tasks.report.json'}\n")
    assert len(alpaca.read(out)) == len(seeds.load()) + 3


def test_the_command_has_a_model_write_and_chooses_what_is_wanted(folder, monkeypatch):
    monkeypatch.setattr("kinject.lm.open_model", lambda name: FakeLM(author))
    monkeypatch.setattr("kinject.cli.instructions._embed", words_of)
    out = folder / "tasks.jsonl"
    words = ["instruct", str(folder / "toy"), "--out", str(out), "--model", "author", "--n", "20", "--seed", "1"]
    result = CliRunner().invoke(app, [*words, "--set", "self_instruct=5"])
    assert (result.exit_code, len(alpaca.read(out))) == (0, 20)


def test_the_command_tells_a_wrong_name_in_one_line(folder):
    result = CliRunner().invoke(app, ["instruct", str(folder / "toy"), "--out", str(folder / "tasks.txt")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("tasks.txt: a file of tasks ends in .json or .jsonl\n")
