"""Tasks as data: the Alpaca format, the seeds, what disqualifies a task, and how replies are read."""

import json

import pytest
from conftest import FakeLM

from kinject.errors import CorpusError
from kinject.instructions import alpaca, ambiguity, filters, replies, seeds
from kinject.instructions.alpaca import Task
from kinject.instructions.novelty import Pool, rouge_l, words

TASKS = (
    Task("Say \u201chello\u201d in Greek.", "\u0393\u03b5\u03b9\u03b1"),
    Task("Sum up.", "Rain.", "It rained.", "seed"),
)


@pytest.mark.parametrize("name", ["tasks.json", "tasks.jsonl"])
def test_tasks_come_back_as_they_were_written(tmp_path, name):
    alpaca.write(tmp_path / name, TASKS)
    assert alpaca.read(tmp_path / name) == TASKS


def test_a_foreign_file_needs_no_input_no_source_and_may_have_more(tmp_path):
    file = tmp_path / "a.json"
    file.write_text(json.dumps([{"instruction": "Add 1 and 2.", "output": "3", "text": "more", "input": None}]))
    assert alpaca.read(file) == (Task("Add 1 and 2.", "3"),)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.jsonl",
            '{"instruction": "A", "output": "B"}\n\n{"instruction": "A"}\n',
            r"a\.jsonl:3: 'output' is missing",
        ),
        ("a.jsonl", '{"instruction": " ", "output": "B"}\n', r"a\.jsonl:1: 'instruction' is empty"),
        ("a.jsonl", '{"instruction": 5, "output": "B"}\n', r"a\.jsonl:1: 'instruction' must be a text, found 5"),
        ("a.jsonl", '{"instruction": "A"\n', r"a\.jsonl:1: not JSON"),
        ("a.jsonl", "[]\n", r"a\.jsonl:1: expected an object with an instruction and an output, found '\[\]'"),
        (
            "a.jsonl",
            '{"instruction": "A", "output": "B", "source": "web"}',
            r"a\.jsonl:1: 'source' is 'web'; known: seed,",
        ),
        ("a.json", '[{"output": "B"}]', r"a\.json, task 1: 'instruction' is missing"),
        ("a.json", '{"output": "B"}', r"a\.json: expected a list of tasks, found dict; JSON lines end in \.jsonl"),
        ("a.json", "[", r"a\.json: not JSON"),
        ("a.json", "[]", r"a\.json holds no task"),
        ("a.csv", "", r"a\.csv: a file of tasks ends in \.json or \.jsonl"),
    ],
)
def test_a_bad_file_is_told_with_its_place_and_key(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(CorpusError, match=message):
        alpaca.read(tmp_path / name)


def test_a_file_that_is_missing_or_not_utf8_says_so(tmp_path):
    with pytest.raises(CorpusError, match=r"cannot read .*none\.json: No such file"):
        alpaca.read(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    with pytest.raises(CorpusError, match=r"latin\.json is not UTF-8 \(byte 2\)"):
        alpaca.read(tmp_path / "latin.json")


def test_the_seeds_pass_every_filter_and_repeat_none_of_each_other():
    pool = Pool(0.7)
    for seed in seeds.load():
        task = seed.task
        reasons = (filters.against_instruction(task.instruction), filters.against_answer(task), ambiguity.against(task))
        assert (reasons, pool.repeats(task.instruction), task.source) == (("", "", ""), False, "seed")
        pool.add(task.instruction)
    assert 30 <= len(seeds.load()) <= 60


def test_the_answer_of_a_seed_that_classifies_is_one_of_its_labels():
    assert [seed for seed in seeds.labelled() if seed.task.output not in seed.labels or not seed.task.input] == []
    assert len(seeds.labelled()) + len(seeds.unlabelled()) == len(seeds.load())


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ("the cat sat", "The cat sat!", 1.0),
        ("police killed the gunman", "police kill the gunman", 0.75),  # the example of Lin 2004: L = 3 of 4 and 4
        ("a b c d", "c d", 2 / 3),  # precision 1/2, recall 1
        ("a b c", "c b a", 1 / 3),  # a subsequence keeps the order
        ("a b", "c d", 0.0),
        ("", "a", 0.0),
    ],
)
def test_rouge_l_is_the_f_measure_of_the_longest_common_subsequence(one, other, value):
    assert rouge_l(words(one), words(other)) == pytest.approx(value)


def test_an_instruction_repeats_another_from_the_threshold_on():
    pool = Pool(0.75, ["police killed the gunman"])
    assert pool.repeats("police kill the gunman")
    assert not pool.repeats("police saw a gunman")


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Describe the colours in the picture of a harbour.", "needs more than text"),
        ("Upload every file in the folder.", "needs more than text"),
        ("Run fast", "too short"),
        ("", "too short"),
        ("word " * 151, "too long"),
        ("1) name three rivers of Asia", "begins with no letter"),
        ("Explain how photosynthesis works.", ""),
    ],
)
def test_instructions_that_a_text_model_cannot_follow_are_out(instruction, reason):
    assert filters.against_instruction(instruction) == reason


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (Task("Copy the words.", "one two", "One, two."), "answer repeats the input"),
        (Task("Name a river.", "Name a river"), "answer repeats the instruction"),
        (Task("Name a river.", " "), "empty answer"),
        (Task("Name a river.", "As an AI, I have no favourite."), "refusal"),
        (Task("Name a river.", "I don't know."), "no answer"),
        (Task("Who owns it?", "I don't know.", "The bakery opens at six."), ""),
        (Task("Name a river.", "word " * 601), "answer too long"),
        (Task("Name a river.", "The Oder"), ""),
    ],
)
def test_answers_that_are_none_are_out(task, reason):
    assert filters.against_answer(task) == reason


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Summarise the following paragraph.", ambiguity.ABSENT),
        ("Translate this sentence into French.", ambiguity.ABSENT),
        ("What does the article say about tides?", ambiguity.ABSENT),
        ("Which of the items listed above is the heaviest?", ambiguity.ABSENT),
        ("Describe this product in two sentences.", ambiguity.ABSENT),
        ('Translate this sentence into French: "The cat sleeps."', ""),
        ("Sort the following numbers: 3 9 4", ""),
        ("Shorten your previous answer to one line.", "refers to an earlier turn"),
        ("Explain it simply, like we discussed.", "refers to an earlier turn"),
        ("When is the next appointment in my calendar?", "needs the writer's own context"),
        ("Find a good restaurant near me.", "needs the writer's own context"),
        ("Name the current president of France.", "needs to know the present"),
        ("What is the weather like today?", "needs to know the present"),
        ("Write a letter to my landlord about a broken heater.", ""),
        ("Explain why leaves turn red.", ""),
    ],
)
def test_an_instruction_that_needs_outside_context_is_out(instruction, reason):
    assert ambiguity.against(Task(instruction, "Fine.")) == reason


def test_an_input_gives_what_an_instruction_points_at():
    assert ambiguity.against(Task("Summarise the following paragraph.", "Rain.", "It rained all day.")) == ""


@pytest.mark.parametrize("given", ["", "Dear"])
@pytest.mark.parametrize(
    "output", ["Please provide the text.", "Sure! Could you share it?", "I need more information."]
)
def test_an_answer_that_asks_back_tells_that_something_is_missing(output, given):
    assert ambiguity.against(Task("Rewrite a letter politely.", output, given)) == ambiguity.ASKS_BACK


@pytest.mark.parametrize(("said", "unclear"), [("No, the text is missing.", True), ("Yes.", False), ("Maybe", False)])
def test_the_model_may_say_that_a_task_is_unclear(said, unclear):
    model = FakeLM(lambda chat: said)
    assert ambiguity.unclear(model, Task("Compare both.", "A is better.", "A and B")) is unclear
    assert model.chats[0].messages[-1].content.endswith("Compare both.\n\nA and B")


def test_a_list_is_read_however_it_is_marked():
    lines = (
        "Here you are:",
        "9. Name a river.",
        '**10.** "Count to ten."',
        "- Sing low",
        "Task 12: **Add 1.5 and 2.**",
    )
    reply = "<think>\n1. no</think>" + "\n".join(lines)
    assert replies.items(reply) == ["Name a river.", "Count to ten.", "Sing low", "Add 1.5 and 2."]
    assert replies.items("1. Whole.\n2. Cut o", cut_off=True) == ["Whole."]
    assert replies.items("I cannot do that.") == []


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Input: none\nOutput: a\nb", {"Input": "", "Output": "a\nb"}),
        ("**Input:** Two words\n\n**Output:** x", {"Input": "Two words", "Output": "x"}),
        ("## Output: x\nInput: <noinput>", {"Output": "x", "Input": ""}),
        ("Input: a\nOutput: b\n\nInput: c\nOutput: d", {"Input": "a", "Output": "b"}),
        ("The output is b.", {}),
    ],
)
def test_named_parts_are_read_up_to_the_next_name(reply, found):
    assert replies.parts(reply, ("Input", "Output")) == found


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("positive, negative.", ["positive", "negative"]),
        ('"low"\n"high"\n', ["low", "high"]),
        ("no", []),
        ("It depends on what the reader of it wants, I think", []),
        (", ".join("abcdefghi"), []),
    ],
)
def test_labels_are_a_few_short_words(reply, found):
    assert replies.labels(reply) == found


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Clear.\nScore: 4", 4),
        ("**Score:** 5/5", 5),
        ("Score (1-5): 2", 2),
        ("Score: 2, no, Score: 3", 3),
        ("4", 4),
        ("Score: 45", None),
        ("It has 4 parts", None),
        ("", None),
    ],
)
def test_a_score_is_a_number_from_one_to_five(reply, score):
    assert replies.score(reply) == score
