"""Between OpenAI's messages and a system's question and answer: dialogues, footnotes, and the pieces of a stream.

Asks nothing and knows no route.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from kinject.grading import abstains

from .openai_errors import ParameterError
from .openai_schemas import ChatMessage, ChatRequest, Citation, Drawn
from .schemas import AskRequest, AskResponse, TurnModel

FOOTNOTE_CHARACTERS = 300  # the field `citations` has all of it
RULE = "\n\n---\n\n"
# A row of numbers is read once, notes behind it or not: tried from each of its numbers, a long one would take hours.
_NUMBERS = re.compile(r"(?: ?\[\d+\])++(\n\n---\n\n\[\d+\] `.*)?", re.DOTALL)
_PIECE = re.compile(r"\s*(?:\w+|[^\w\s])|\s+\Z")
_INSTRUCTIONS = ("system", "developer")


def asked(request: ChatRequest, system: str) -> AskRequest:
    """The dialogue as a question and what came before it. Raises ParameterError where no question is last.

    Footnotes that this service wrote are taken out again. Of several messages in a row by the same side one is made,
    and what the assistant says before anybody has asked is left out.
    """
    messages = [message for message in request.messages if message.role not in _INSTRUCTIONS]
    if not messages or messages[-1].role != "user":
        raise ParameterError("the last message must be the user's", "messages", "invalid_value")
    turns = [_turn(role, list(row)) for role, row in groupby(messages, key=lambda message: message.role)]
    if turns[0].role == "assistant":
        turns = turns[1:]
    *history, question = turns
    return AskRequest(system=system, question=question.text, history=tuple(history), on=request.on)


def ignored(request: ChatRequest) -> tuple[str, ...]:
    """What of a request had no effect on the answer."""
    given = request.model_fields_set & (set(Drawn.model_fields) | {"reasoning_effort", "verbosity"})
    found = sorted(name for name in given if getattr(request, name) is not None)
    roles = {message.role for message in request.messages}
    return (*(f"messages of role {role}" for role in _INSTRUCTIONS if role in roles), *found)


def content(answer: AskResponse, notes: bool) -> str:
    """The answer as a chat page shows it, with what it rests on as numbered footnotes: pages drop unknown fields.

    What was checked and does not state the answer's value is in `citations` only; a footnote has its number there.
    "I don't know" rests on nothing.
    """
    noted = notes and not abstains(answer.answer)
    cited = [each for each in citations(answer) if noted and each.supports is not False]
    if not cited:
        return answer.answer
    marks = "".join(f"[{each.number}]" for each in cited)
    return f"{answer.answer} {marks}{RULE}" + "\n\n".join(map(_footnote, cited))


def citations(answer: AskResponse) -> tuple[Citation, ...]:
    return tuple(Citation(number=number, **each.model_dump()) for number, each in enumerate(answer.evidence, start=1))


def cut(text: str, request: ChatRequest) -> tuple[str, bool]:
    """As much as was asked for, counted in words and signs, which are no more than tokens; and whether that is less."""
    stops = (request.stop,) if isinstance(request.stop, str) else request.stop or ()
    text = until(text, stops)
    most = request.max_completion_tokens or request.max_tokens
    found = pieces(text)
    return ("".join(found[:most]), True) if most and len(found) > most else (text, False)


def is_cut(request: ChatRequest) -> bool:
    """Whether less than the whole answer may be wanted."""
    return bool(request.stop or request.max_completion_tokens or request.max_tokens)


def until(text: str, stops: Sequence[str]) -> str:
    """What comes before the first of the stops; empty ones stop nothing."""
    return text[: min((text.find(stop) for stop in stops if stop and stop in text), default=len(text))]


def pieces(text: str) -> list[str]:
    """Words and signs with the space before them; joined they are the text."""
    return _PIECE.findall(text)


def _turn(role: str, row: Sequence[ChatMessage]) -> TurnModel:
    text = "\n\n".join(filter(None, (message.text for message in row)))
    if role == "user":
        if not text:
            raise ParameterError("a message of the user is empty", "messages", "invalid_value")
        return TurnModel(role="user", text=text)
    return TurnModel(role="assistant", text=_without_notes(text).strip() or "...")


def _without_notes(text: str) -> str:
    return _NUMBERS.sub(lambda numbers: "" if numbers[1] else numbers[0], text)


def _footnote(cited: Citation) -> str:
    # As code, so that a corpus cannot put pictures or links, which a page would load, into somebody's chat.
    said = " ".join(f"{cited.source}: {cited.text}".split()).replace("`", "'")
    short = said if len(said) <= FOOTNOTE_CHARACTERS else said[: FOOTNOTE_CHARACTERS - 1] + "…"
    return f"[{cited.number}] `{short}`"
