"""New tasks invented by a chat model from known ones: Self-Instruct (Wang et al. 2022, arXiv:2212.10560).

A request shows six seed tasks and two invented ones and asks for more. Each new instruction then gets an input and an
output; where it is a classification one of its labels is drawn and the input is written for it, or one label would take
all (output-first, section 2.2). Greedy decoding: what differs between requests is the tasks shown.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from kinject.errors import PromptTooLongError
from kinject.instructions import ambiguity, filters, replies, seeds
from kinject.instructions.alpaca import Source, Task
from kinject.instructions.config import Config
from kinject.instructions.log import ROUND, Log, Outcome, Rejection, accepted, reasons, together
from kinject.instructions.novelty import Pool
from kinject.lm.base import LM, Chat, Completion, Message
from kinject.progress import Progress, Step

STAGE: Source = "self-instruct"
SEEDS_SHOWN, INVENTED_SHOWN = 6, 2  # of the eight tasks in a prompt (section 2.2)
_ASKED_FOR = 5  # new instructions a request
_EXAMPLES = 3  # of a task with its input and output
_PATIENCE = 3  # rounds without any new task, after which the model has no more to give
_WRITE_TOKENS, _LIST_TOKENS = 600, 48
REPEATS, CUT_OFF, NO_OUTPUT = "repeats another instruction", "reply cut off", "no output in the reply"
TOO_LONG = "prompt longer than the model's window"

_SYSTEM = "You write tasks for an assistant that reads and writes text and can do nothing else."
_INVENT = (
    "Here are {shown} tasks of many kinds:\n\n{tasks}\n\nWrite {more} new ones as a numbered list, a line each, from "
    "{first} to {last}. Each is of another kind than those above and than the others, can be done with text alone, and "
    "is complete: what it is about stands in it, or in an input that comes with it."
)
_LABELS = (
    "Task: {instruction}\n\nIs the answer always one of a small fixed set of labels? Then list the labels, separated "
    "by commas. Otherwise say: no"
)
_EXAMPLE = (
    'Task: {instruction}\n\nWrite one example of this task. After "Input:" comes the text that the task is about, or '
    'none if it needs no text. After "Output:" comes a good answer.'
)
_TEXT_FOR = "Task: {instruction}\n\nWrite a text for which the right answer is: {label}"


@dataclass(frozen=True)
class _Writer:
    """One request, from the tasks shown to drafts; it changes nothing, so that many are made at once."""

    model: LM
    config: Config
    known: tuple[Task, ...]  # invented in earlier rounds
    pool: Pool

    def request(self, number: int) -> list[Task | Rejection]:
        rng = random.Random(f"{self.config.seed}/{STAGE}/{number}")
        try:
            reply = self._invented(rng)
        except PromptTooLongError:
            return [Rejection(TOO_LONG, f"request {number}")]
        cut_off = reply.finish == "length"
        found = replies.items(reply.text, cut_off)[:_ASKED_FOR]
        if not found:
            return [Rejection(CUT_OFF if cut_off else "no list in the reply", replies.spoken(reply.text)[:200])]
        return [self._draft(instruction, rng) for instruction in found]

    def _invented(self, rng: random.Random) -> Completion:
        own = rng.sample(self.known, min(INVENTED_SHOWN, len(self.known)))
        shown = [seed.task for seed in rng.sample(seeds.load(), SEEDS_SHOWN + INVENTED_SHOWN - len(own))] + own
        rng.shuffle(shown)
        first = len(shown) + 1
        prompt = _INVENT.format(
            shown=len(shown),
            tasks="\n".join(f"{n}. {' '.join(task.instruction.split())}" for n, task in enumerate(shown, start=1)),
            more=_ASKED_FOR,
            first=first,
            last=first + _ASKED_FOR - 1,
        )
        return self._said((), prompt, _WRITE_TOKENS)

    def _draft(self, instruction: str, rng: random.Random) -> Task | Rejection:
        """The instruction with an input and an output, or the first reason against it."""
        reason = filters.against_instruction(instruction)
        if reason or self.pool.repeats(instruction):
            return Rejection(reason or REPEATS, instruction)
        try:
            task = self._example(instruction, rng)
            if isinstance(task, Rejection):
                return task
            reason = filters.against_answer(task) or ambiguity.against(task)
            if not reason and self.config.ask_unclear and ambiguity.unclear(self.model, task):
                reason = ambiguity.UNCLEAR
        except PromptTooLongError:
            reason = TOO_LONG
        return Rejection(reason, instruction) if reason else task

    def _example(self, instruction: str, rng: random.Random) -> Task | Rejection:
        labels = self._labels(instruction, rng)
        if labels:
            return self._for_label(instruction, rng.choice(labels), rng)
        shown = [seed.task for seed in rng.sample(seeds.unlabelled(), _EXAMPLES)]
        pairs = [(_asked(_EXAMPLE, task), f"Input: {task.input or 'none'}\nOutput: {task.output}") for task in shown]
        reply = self._said(pairs, _EXAMPLE.format(instruction=instruction), _WRITE_TOKENS)
        found = replies.parts(reply.text, ("Input", "Output"))
        if reply.finish == "length" or "Output" not in found:
            return Rejection(CUT_OFF if reply.finish == "length" else NO_OUTPUT, instruction)
        return Task(instruction, found["Output"], found.get("Input", ""), STAGE)

    def _labels(self, instruction: str, rng: random.Random) -> list[str]:
        """The labels of a classification, none for another task."""
        shown = [*rng.sample(seeds.labelled(), _EXAMPLES), *rng.sample(seeds.unlabelled(), _EXAMPLES)]
        rng.shuffle(shown)
        pairs = [(_asked(_LABELS, seed.task), ", ".join(seed.labels) or "no") for seed in shown]
        return replies.labels(self._said(pairs, _LABELS.format(instruction=instruction), _LIST_TOKENS).text)

    def _for_label(self, instruction: str, label: str, rng: random.Random) -> Task | Rejection:
        shown = [seed.task for seed in rng.sample(seeds.labelled(), _EXAMPLES)]
        pairs = [(_asked(_TEXT_FOR, task), task.input) for task in shown]
        reply = self._said(pairs, _TEXT_FOR.format(instruction=instruction, label=label), _WRITE_TOKENS)
        text = replies.spoken(reply.text)
        if reply.finish == "length" or not text:
            return Rejection(CUT_OFF if reply.finish == "length" else NO_OUTPUT, instruction)
        return Task(instruction, label, text, STAGE)

    def _said(self, pairs: Sequence[tuple[str, str]], question: str, most_tokens: int) -> Completion:
        """The reply to the question after pairs of a question and its reply, which show what is wanted."""
        shown = [message for asked, said in pairs for message in (Message("user", asked), Message("assistant", said))]
        messages = (Message("system", _SYSTEM), *shown, Message("user", question))
        return self.model.complete(Chat(messages, (), most_tokens))


def grow(model: LM, config: Config, log: Log, progress: Progress) -> list[Outcome]:
    """Ask until `config.self_instruct` tasks have passed, or three rounds in a row brought none.

    The last outcome that counts may bring more tasks than were wanted; the first of them are to be taken.
    """
    outcomes = log.outcomes(STAGE)
    while not _finished(outcomes, config):
        # Requests see what whole rounds brought: a round that a kill cut short is asked again as it was.
        whole = outcomes[: len(outcomes) // ROUND * ROUND]
        writer = _Writer(model, config, tuple(accepted(whole)), _pool(config, whole))
        pool = _pool(config, outcomes)
        numbers = range(len(whole), len(whole) + ROUND)
        for number, drafts in zip(numbers, together(writer.request, numbers), strict=True):
            if number >= len(outcomes):
                outcomes.append(_settled(str(number), drafts, pool))
                log.append(STAGE, outcomes[-1])
        found, against = len(accepted(outcomes)), sum(reasons(outcomes).values())
        progress(Step(STAGE, min(found, config.self_instruct), config.self_instruct, f"{against} rejected"))
    return outcomes


def _finished(outcomes: Sequence[Outcome], config: Config) -> bool:
    if not config.self_instruct:
        return True
    if len(outcomes) % ROUND:
        return False
    recent = outcomes[-_PATIENCE * ROUND :]
    dry = len(recent) == _PATIENCE * ROUND and not accepted(recent)
    return dry or len(accepted(outcomes)) >= config.self_instruct


def _pool(config: Config, outcomes: Sequence[Outcome]) -> Pool:
    known = [*(seed.task for seed in seeds.load()), *accepted(outcomes)]
    return Pool(config.novelty, (task.instruction for task in known))


def _settled(key: str, drafts: Sequence[Task | Rejection], pool: Pool) -> Outcome:
    """The drafts that repeat nothing that came before them, in the same round too."""
    tasks, rejected = [], []
    for draft in drafts:
        if isinstance(draft, Rejection):
            rejected.append(draft)
        elif pool.repeats(draft.instruction):
            rejected.append(Rejection(REPEATS, draft.instruction))
        else:
            tasks.append(draft)
            pool.add(draft.instruction)
    return Outcome(key, tuple(tasks), tuple(rejected))


def _asked(question: str, task: Task) -> str:
    """A question about a seed task; it is about a label where it has a place for one."""
    return question.format(instruction=task.instruction, label=task.output)
