"""/v1: the run's systems as models of an OpenAI server, for chat pages, evaluation harnesses and any OpenAI client.

`kinject/kg` answers with footnotes; `kinject/kg:bare` without.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import InitVar, asdict, dataclass, field
from typing import Annotated, Any, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response

from kinject.lm.tokens import TokenLM

from .. import asking, chatting, completing, events, openai_errors, problems
from ..openai_errors import ErrorResponse, ParameterError
from ..openai_schemas import (
    Certainty,
    ChatChoice,
    ChatCompletion,
    ChatRequest,
    CompletionRequest,
    ModelCard,
    ModelList,
    Said,
    TextCompletion,
    TokenUsage,
)
from ..presence import as_ready, as_said, unless_gone
from ..schemas import AskResponse, NoQuery
from ..service import Service

OWNER, BARE = "kinject/", ":bare"
DONE = b"data: [DONE]\n\n"
_STATUSES = {
    400: "A parameter that is wrong or not supported",
    404: "No such model",
    408: "The body did not come in time",
    413: "Body too long",
    503: "Queue full, system unavailable or service shutting down",
    504: "Not answered in time",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": said} for status, said in _STATUSES.items()
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answer, or with `stream` its chunks", "content": {events.MEDIA_TYPE: {}}}
}


def router(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["OpenAI"], responses=RESPONSES)
    started = int(time.time())

    @routes.get("/models")
    async def models(query: Annotated[NoQuery, Query()]) -> ModelList:
        """Every system of the run, as a model."""
        return ModelList(data=tuple(ModelCard(id=OWNER + name, created=started) for name in service.desk.names))

    @routes.get("/models/{model:path}")
    async def model(model: str, query: Annotated[NoQuery, Query()]) -> ModelCard:
        """One of them; with `:bare` it answers without footnotes."""
        _named(service, model)
        return ModelCard(id=model, created=started)

    @routes.post("/chat/completions", response_model=ChatCompletion, responses=STREAM)
    async def chat(
        request: Request, body: ChatRequest, query: Annotated[NoQuery, Query()]
    ) -> Response | ChatCompletion:
        """An answer to the last message. What it rests on is in `citations` and, as footnotes, in the text.

        The system is asked as the study asked it: system and developer messages and sampling parameters have no
        effect, and `kinject.ignored` lists those that were sent. `max_tokens` counts words and signs. `on` and
        `min_confidence` are those of /ask.
        """
        named = _named(service, body.model)
        asked = chatting.asked(body, named.system)
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        # What is to be cut short is cut when all of it is there.
        said = pieces.put_nowait if body.stream and not chatting.is_cut(body) else None
        words = await unless_gone(request, asking.put(service, asked))
        answer = asking.answer(service, named.system, asked, words, asking.Wish(body.min_confidence, said))
        head = _Head("chatcmpl", body.model)
        if not body.stream:
            return _completion(head, body, await unless_gone(request, answer), named.bare)
        saying = _Saying(await _begun(answer), pieces, named.bare)
        return events.response(_chat_events(request, head, body, saying))

    @routes.post("/completions", response_model=TextCompletion, responses=STREAM)
    async def completions(
        request: Request, body: CompletionRequest, query: Annotated[NoQuery, Query()]
    ) -> Response | TextCompletion:
        """Texts gone on with and scored by the weights of a system that is a plain model: closed_book and sft.

        Greedy; nothing is put before a prompt. For `lm_eval --model local-completions`.
        """
        named = _named(service, body.model)

        async def completed() -> TextCompletion:
            lm: TokenLM = await service.desk.use(named.system, lambda system: completing.plain(named.system, system))
            done = await service.desk.work(lambda: completing.complete(lm, body))
            return TextCompletion(**asdict(_Head("cmpl", body.model)), choices=done.choices, usage=done.usage)

        if not body.stream:
            return await unless_gone(request, completed())
        return events.response(_text_events(request, body, await _begun(completed())))

    return routes


class _Named(NamedTuple):
    system: str
    bare: bool


def _named(service: Service, model: str) -> _Named:
    """Raises ParameterError, which is 404, for a model that is none."""
    name = model.removeprefix(OWNER).removesuffix(BARE)
    if not model.startswith(OWNER) or name not in service.desk.names:
        raise NoModelError(model, service.desk.names)
    return _Named(name, model.endswith(BARE))


class NoModelError(problems.UnknownSystemError):
    """A model that the run does not have."""

    def __init__(self, model: str, systems: tuple[str, ...]) -> None:
        super().__init__(model, tuple(OWNER + name for name in systems))
        self.args = (f"no model {model[:80]!r}; choose one of: {', '.join(self.systems)}",)


async def _begun(work: Any) -> "asyncio.Task[Any]":
    """What the desk refuses it refuses in the first step: that is an error with its status, and no stream."""
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    if task.done():
        task.result()
    return task


@dataclass(frozen=True)
class _Head:
    """What an answer and all chunks of it have in common."""

    kind: InitVar[str]
    model: str
    id: str = field(init=False)
    created: int = field(init=False, default_factory=lambda: int(time.time()))

    def __post_init__(self, kind: str) -> None:
        object.__setattr__(self, "id", f"{kind}-{uuid4().hex}")


class _Saying(NamedTuple):
    answer: "asyncio.Task[AskResponse]"
    pieces: "asyncio.Queue[str | None]"  # of the answer, where it is told while it is written
    bare: bool


def _completion(head: _Head, body: ChatRequest, answer: AskResponse, bare: bool) -> ChatCompletion:
    text, is_cut = chatting.cut(chatting.content(answer, notes=not bare), body)
    said = Said(content=text, citations=chatting.citations(answer))
    read, written = answer.usage.prompt_tokens, answer.usage.completion_tokens
    return ChatCompletion(
        **asdict(head),
        choices=(ChatChoice(message=said, finish_reason="length" if is_cut else "stop"),),
        usage=TokenUsage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written),
        kinject=Certainty(ignored=chatting.ignored(body), **answer.model_dump(include=_CERTAINTY)),
    )


_CERTAINTY = set(Certainty.model_fields) - {"ignored"}


async def _chat_events(request: Request, head: _Head, body: ChatRequest, saying: _Saying) -> AsyncIterator[bytes]:
    counted = bool(body.stream_options and body.stream_options.include_usage)
    base = {**asdict(head), "object": "chat.completion.chunk", **({"usage": None} if counted else {})}

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        return _data(base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})

    yield chunk({"role": "assistant", "content": ""})
    said, task = "", saying.answer
    async with aclosing(as_said(request, task, saying.pieces)) as heard:
        async for piece in heard:
            said += piece
            yield chunk({"content": piece}) if piece else events.BEAT
    if task.cancelled():
        return
    if error := task.exception():
        yield _error(error)
        return
    whole = _completion(head, body, task.result(), saying.bare)
    message = whole.choices[0].message
    for piece in chatting.pieces(message.content.removeprefix(said)):
        yield chunk({"content": piece})
    last = {"citations": [each.model_dump() for each in message.citations]}
    yield chunk(last, whole.choices[0].finish_reason, kinject=whole.kinject.model_dump())
    if counted:
        yield _data(base | {"choices": [], "usage": whole.usage.model_dump()})
    yield DONE


async def _text_events(
    request: Request, body: CompletionRequest, task: "asyncio.Task[TextCompletion]"
) -> AsyncIterator[bytes]:
    async for whole in _ended(request, task):
        if isinstance(whole, bytes):
            yield whole
            continue
        counted = bool(body.stream_options and body.stream_options.include_usage)
        for choice in whole.choices:
            yield _data(whole.model_copy(update={"choices": (choice,), "usage": None}).model_dump())
        if counted:
            yield _data(whole.model_copy(update={"choices": ()}).model_dump())
        yield DONE


async def _ended(request: Request, task: "asyncio.Task[Any]") -> AsyncIterator[Any]:
    """What the task returns, or bytes to be sent in the meantime or in its place."""
    async with aclosing(as_ready(request, [task])) as ready:
        async for ended in ready:
            if ended is None:
                yield events.BEAT
            else:
                yield _error(error) if (error := ended.exception()) else ended.result()


def _error(error: BaseException) -> bytes:
    assert isinstance(error, Exception)
    named = (error.param, error.code) if isinstance(error, ParameterError) else ()
    return _data(openai_errors.of(problems.of(error), *named).model_dump())


def _data(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
