"""Texts that a plain model scores or goes on with, as OpenAI's /v1/completions has them, for evaluation harnesses.

Knows no route. A system that looks things up before it answers is no plain model and is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from kinject.lm.tokens import Continued, Likely, TokenLM
from kinject.systems.closed_book import ClosedBook
from kinject.types import System

from .chatting import until
from .openai_errors import ParameterError
from .openai_schemas import CompletionRequest, Logprobs, TextChoice, TokenIds, TokenUsage


@dataclass(frozen=True, slots=True)
class Completed:
    choices: tuple[TextChoice, ...]
    usage: TokenUsage


def plain(name: str, system: System) -> TokenLM:
    """The model of a system that is nothing but one. Raises ParameterError for any other."""
    if not isinstance(system, ClosedBook):
        raise ParameterError(
            f"{name} looks things up before it answers and has no log-probabilities of a text; "
            "ask it at /v1/chat/completions, or score closed_book or sft",
            "model",
            "model_not_supported",
        )
    if not isinstance(system.model, TokenLM):
        raise ParameterError(
            f"the model of {name} is remote, and gives no log-probabilities of a text", "model", "model_not_supported"
        )
    return system.model


def complete(model: TokenLM, request: CompletionRequest) -> Completed:
    """Blocks. Raises ModelError for ids that are none, PromptTooLongError."""
    rows = tuple(_ids(model, prompt) for prompt in request.prompts)
    most = 16 if request.max_tokens is None else request.max_tokens
    continued = model.go_on(rows, most) if most else tuple(Continued((), None) for _ in rows)
    scores: Sequence[tuple[Likely, ...]] = [()] * len(rows)
    if request.logprobs is not None:
        # At least the likeliest: a harness asks whether a token is it.
        whole = tuple(_whole(row, more) for row, more in zip(rows, continued, strict=True))
        scores = model.read(whole, max(1, request.logprobs))
    choices = tuple(
        _choice(model, request, index, _Text(prompt, row, more, scored))
        for index, (prompt, row, more, scored) in enumerate(zip(request.prompts, rows, continued, scores, strict=True))
    )
    read, written = sum(map(len, rows)), sum(len(_whole((), more)) for more in continued)
    return Completed(choices, TokenUsage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written))


@dataclass(frozen=True, slots=True)
class _Text:
    prompt: str | TokenIds
    ids: TokenIds
    more: Continued
    scores: tuple[Likely, ...]


def _ids(model: TokenLM, prompt: str | TokenIds) -> TokenIds:
    ids = model.encode(prompt) if isinstance(prompt, str) else prompt
    if not ids:
        raise ParameterError("a prompt is empty: there is nothing to go on from", "prompt", "invalid_value")
    return ids


def _whole(ids: TokenIds, more: Continued) -> TokenIds:
    """The token that ends a text counts as generated, and has a probability too."""
    return ids + more.ids + (() if more.stop is None else (more.stop,))


def _choice(model: TokenLM, request: CompletionRequest, index: int, text: _Text) -> TextChoice:
    stops = (request.stop,) if isinstance(request.stop, str) else request.stop or ()
    written = model.decode(text.more.ids) if text.more.ids else ""
    kept = until(written, stops)
    stopped = text.more.stop is not None or len(kept) < len(written)
    before = ""
    if request.echo:
        before = text.prompt if isinstance(text.prompt, str) else model.decode(text.ids)
    finish: Literal["stop", "length"] = "stop" if stopped else "length"
    logprobs = None
    if request.logprobs is not None:
        generated = text.scores[len(text.ids) :]
        if len(kept) < len(written):
            generated = tuple(_before(model, generated, len(kept)))
        logprobs = _logprobs(model, (*text.scores[: len(text.ids)], *generated) if request.echo else generated)
    return TextChoice(index=index, text=before + kept, logprobs=logprobs, finish_reason=finish)


def _before(model: TokenLM, scores: Sequence[Likely], characters: int) -> Iterator[Likely]:
    """The tokens that begin within so many characters."""
    at = 0
    for each in scores:
        if at >= characters:
            return
        yield each
        at += len(model.piece(each.id))


def _logprobs(model: TokenLM, scores: Sequence[Likely]) -> Logprobs:
    tokens = tuple(model.piece(each.id) for each in scores)
    return Logprobs(
        tokens=tokens,
        token_logprobs=tuple(each.log_probability for each in scores),
        top_logprobs=tuple(_top(model, each) for each in scores),
        text_offset=tuple(accumulate(map(len, tokens[:-1]), initial=0)) if tokens else (),
    )


def _top(model: TokenLM, likely: Likely) -> dict[str, float] | None:
    """The likeliest, and the token that stands there whether it is one of them or not, as OpenAI has it."""
    if likely.log_probability is None:
        return None
    found: dict[str, float] = {}
    for token, value in (*likely.top, (likely.id, likely.log_probability)):
        # Of two that are spelled alike the likelier one is kept: it comes first.
        found.setdefault(model.piece(token), value)
    return found
