"""Instructions for texts that exist: back-translation, where a document of the corpus is the answer.

A chat model is told the text and asked for the instruction (LongForm, arXiv:2304.08460), and then scores the pair from
1 to 5 (self-curation of Humpback, arXiv:2308.06259). Without such a model titles are put into a few sentences: an
honest baseline. Whatever is made here states what the documents state, so training on it injects the corpus.
"""

import random
import re
from collections.abc import Sequence
from functools import partial

from kinject.errors import PromptTooLongError
from kinject.instructions import ambiguity, filters, replies
from kinject.instructions.alpaca import Source, Task
from kinject.instructions.config import Config
from kinject.instructions.log import ROUND, Log, Outcome, Rejection, accepted, together
from kinject.instructions.novelty import words
from kinject.instructions.self_instruct import CUT_OFF, REPEATS, TOO_LONG
from kinject.lm.base import LM, Chat, Message
from kinject.progress import Progress, Step
from kinject.types import Document

STAGE: Source = "back-translation"
TITLES = (
    "Describe {title}.",
    "What is known about {title}?",
    "Write a short text about {title}.",
    "Introduce {title} to somebody who has never heard of it.",
    "Tell me about {title}.",
    "Give an account of {title}.",
)
_INSTRUCTION_TOKENS, _SCORE_TOKENS = 120, 200
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")
_SYSTEM = "You find the question behind a text."
_FIND = (
    "{text}\n\nWhich one instruction has exactly this text as a good answer? It names what the text is about, so that "
    "it is understood by somebody who does not see the text. Write the instruction and nothing else."
)
_JUDGE = (
    "Instruction: {instruction}\n\nAnswer: {text}\n\nHow good is the answer to the instruction, from 1 to 5?\n"
    "1: it answers something else, or is not understood without more context.\n"
    "2: it answers a part of what was asked.\n"
    "3: it answers, but not in the way of an assistant, or with much that was not asked for.\n"
    "4: it answers completely and clearly, with little to improve.\n"
    "5: it could not be better: complete, clear, to the point.\n"
    "Say in one sentence why, and end with a line: Score: N"
)


def from_documents(
    model: LM, documents: Sequence[Document], config: Config, log: Log, progress: Progress
) -> list[Outcome]:
    """An outcome a document, for `config.documents` of them, drawn; what is longer than `config.words` is cut."""
    chosen = _drawn(documents, config)
    outcomes = log.outcomes(STAGE)
    asked = {task.instruction.casefold() for task in accepted(outcomes)}
    while len(outcomes) < len(chosen):
        # A round that a kill cut short is asked again as it was.
        start = len(outcomes) // ROUND * ROUND
        some = chosen[start : start + ROUND]
        for number, draft in enumerate(together(partial(_draft, model, config), some), start=start):
            if number >= len(outcomes):
                outcomes.append(_settled(chosen[number].id, draft, asked))
                log.append(STAGE, outcomes[-1])
        progress(Step(STAGE, len(outcomes), len(chosen), f"{len(accepted(outcomes))} accepted"))
    return outcomes[: len(chosen)]


def from_titles(documents: Sequence[Document], config: Config) -> list[Outcome]:
    """The same without a model: the title of a document in one of TITLES, drawn, and its beginning as the answer."""
    rng = random.Random(f"{config.seed}/titles")
    asked: set[str] = set()
    outcomes = []
    for document in _drawn(documents, config):
        text = beginning(document.text, config.words)
        draft: Task | Rejection = Rejection("no title", document.id)
        if document.title:
            draft = Task(rng.choice(TITLES).format(title=document.title), text, source="title")
        outcomes.append(_settled(document.id, draft if text else Rejection("empty answer", document.id), asked))
    return outcomes


def beginning(text: str, most_words: int) -> str:
    """The text up to the end of the last sentence that leaves it at most `most_words` words; its first at least."""
    end = 0
    for stop in (*(match.start() for match in _SENTENCE.finditer(text)), len(text)):
        if end and len(words(text[:stop])) > most_words:
            break
        end = stop
    return text[:end].strip()


def _drawn(documents: Sequence[Document], config: Config) -> list[Document]:
    """The first of a shuffled order: more documents another time are these and others."""
    order = list(documents)
    random.Random(f"{config.seed}/{STAGE}").shuffle(order)
    return order[: config.documents]


def _draft(model: LM, config: Config, document: Document) -> Task | Rejection:
    text = beginning(document.text, config.words)
    titled = f"{document.title}\n\n{text}" if document.title else text
    try:
        reply = _said(model, _FIND.format(text=titled), _INSTRUCTION_TOKENS)
        if reply is None:
            return Rejection(CUT_OFF, document.id)
        task = Task(_instruction(reply), text, source=STAGE)
        reason = (
            filters.against_instruction(task.instruction) or filters.against_answer(task) or ambiguity.against(task)
        )
        return Rejection(reason, task.instruction) if reason else _judged(model, config, task)
    except PromptTooLongError:
        return Rejection(TOO_LONG, document.id)


def _judged(model: LM, config: Config, task: Task) -> Task | Rejection:
    if config.ask_unclear and ambiguity.unclear(model, Task(task.instruction, "")):
        return Rejection(ambiguity.UNCLEAR, task.instruction)
    if config.min_score:
        reply = _said(model, _JUDGE.format(instruction=task.instruction, text=task.output), _SCORE_TOKENS)
        score = replies.score(reply or "")
        if score is None:
            return Rejection("no score in the reply", task.instruction)
        if score < config.min_score:
            return Rejection(f"score below {config.min_score}", task.instruction)
    return task


def _said(model: LM, question: str, most_tokens: int) -> str | None:
    """The reply; None where it is cut off."""
    completion = model.complete(Chat((Message("system", _SYSTEM), Message("user", question)), (), most_tokens))
    return None if completion.finish == "length" else replies.spoken(completion.text)


def _instruction(reply: str) -> str:
    """The instruction in a reply that may name it so, number it or quote it."""
    named = replies.parts(reply, ("Instruction",)).get("Instruction") or reply
    first = named.strip().partition("\n")[0]
    return (replies.items(first) or [first.strip("\"'`*\u201c\u201d ")])[0]


def _settled(key: str, draft: Task | Rejection, asked: set[str]) -> Outcome:
    """One instruction that fits several documents says too little of which one it means."""
    if isinstance(draft, Rejection):
        return Outcome(key, rejected=(draft,))
    folded = draft.instruction.casefold()
    if folded in asked:
        return Outcome(key, rejected=(Rejection(REPEATS, draft.instruction),))
    asked.add(folded)
    return Outcome(key, accepted=(draft,))
