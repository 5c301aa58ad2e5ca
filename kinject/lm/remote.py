"""A model behind an OpenAI-compatible URL, asked through LangChain.

It has no queue, no template and no grammar of ours: these are the server's. It does not stream, and cannot score.
"""

import json
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import tool_call
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI
from pydantic import SecretStr

from kinject.errors import KinjectError, ModelError, OverloadedError, PromptTooLongError
from kinject.lm import calling_off, sampling, watching
from kinject.lm.base import Chat, Completion, Finish, Message, ModelInfo, ToolCall, ToolSpec, are_valid
from kinject.lm.endpoint import KEY, NO_KEY, OFFICIAL, Endpoint, find_endpoint, find_key
from kinject.lm.tool_formats import HERMES

_TOO_LONG = re.compile(
    r"context.{0,12}(length|size|window)|(prompt|input|request).{0,20}too (long|large)", re.IGNORECASE
)
_CALLS = "raw_calls"
_SAID_CHARS = 300  # of what a server says about an error
# What openai and langchain-openai raise for a status, a lost connection and a body that is no answer.
_FAILURES = (openai.OpenAIError, ValueError, KeyError, TypeError, IndexError, AttributeError)


@dataclass(frozen=True)
class Limits:
    """A request that keeps failing ends after (retries + 1) x timeout_s, and the pauses that Retry-After asks for.

    The client of openai retries 408, 409, 429, 5xx, timeouts and lost connections; a pause is two minutes at most.
    """

    at_once: int = 16  # requests under way; further callers wait
    timeout_s: float = 60.0  # to connect, and between two pieces of an answer
    retries: int = 3


class RemoteLM:
    """Any model of any OpenAI-compatible server. Made by `kinject.lm.open_model`; may be used from many threads.

    Where a call's arguments are no JSON object, the call is made without any, so that an agent's model hears from the
    tool what is missing. `Completion.unconstrained` is False where a call did not fit the tools it was offered: no
    grammar of ours corrects it.
    """

    def __init__(self, endpoint: Endpoint, key: str, wait: bool = True, limits: Limits | None = None) -> None:
        self.info = ModelInfo(endpoint.name, endpoint.fingerprint, 0, 0, {"endpoint": endpoint.url})
        self._endpoint, self._key, self._wait, self._limits = endpoint, key, wait, limits or Limits()
        self._slots = threading.BoundedSemaphore(self._limits.at_once)
        self._scores = threading.Event()  # until the server refuses to give log-probabilities
        self._scores.set()
        self._http = openai.DefaultHttpxClient(timeout=self._limits.timeout_s, follow_redirects=False)
        kind = _Official if endpoint.url == OFFICIAL else _Compatible
        self._model = kind(
            model=endpoint.model,
            base_url=endpoint.url,
            api_key=SecretStr(key),
            temperature=0.0,
            max_retries=self._limits.retries,
            timeout=self._limits.timeout_s,
            http_client=self._http,
            use_responses_api=False,
        )

    @classmethod
    def open(cls, name: str, wait: bool = True) -> "RemoteLM":
        """Asks the server nothing yet. Raises ModelError for a name or a key that cannot be used."""
        endpoint = find_endpoint(name)
        return cls(endpoint, find_key(endpoint), wait)

    def complete(self, chat: Chat) -> Completion:
        """Blocks until the answer is there. Raises PromptTooLongError, OverloadedError, ModelError or CalledOffError.

        A request that is under way is not broken off; its caller may only begin no other.
        """
        calling_off.check()
        if chat.max_new_tokens < 1:
            raise ModelError(f"max_new_tokens must be at least 1, found {chat.max_new_tokens}")
        with watching.calling(self.info.name) as call, self._slot():
            completion = _completion(self._ask(chat), chat.tools)
            call.prompt_tokens, call.completion_tokens = completion.prompt_tokens, completion.tokens
            return completion

    def log_probability(self, chat: Chat, answer: str) -> float:
        """Raises ModelError: the protocol of OpenAI scores what a model says, and no text that is given."""
        raise ModelError(f"{self.info.name} cannot score a given answer; use a local model for that")

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(blocking=self._wait):
            raise OverloadedError(f"{self._limits.at_once} requests to {self._endpoint.url} are under way; try again")
        try:
            yield
        finally:
            self._slots.release()

    def _ask(self, chat: Chat) -> AIMessage:
        scores = self._scores.is_set()
        options: dict[str, Any] = {"max_tokens": chat.max_new_tokens}
        options |= {"logprobs": True} if scores else {}
        options |= {"temperature": drawn.temperature, "seed": drawn.seed} if (drawn := sampling.current()) else {}
        options |= {"tools": [_offered(tool) for tool in chat.tools]} if chat.tools else {}
        try:
            found = self._model.invoke(_messages(chat.messages), **options)
        except _FAILURES as error:
            if scores and isinstance(error, openai.BadRequestError) and "logprob" in str(error):
                self._scores.clear()
                return self._ask(chat)
            raise self._failure(error) from None  # the request of the cause carries the key
        if not isinstance(found, AIMessage):
            raise ModelError(f"{self._endpoint.url} gave no message of an assistant, but of {found.type!r}")
        return found

    def _failure(self, error: Exception) -> KinjectError:
        """One line that names the URL, what happened and what to do; never the key."""
        url, again = self._endpoint.url, f", also after {self._limits.retries} retries"
        said = _said(error, self._key)
        match error:
            case openai.APIStatusError() if _is_too_long(error, said):
                return PromptTooLongError(f"the prompt is longer than the window of {self.info.name}: {said}")
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return ModelError(
                    f"{url} refused the key ({error.status_code}); set {KEY} to one that it takes: {said}"
                )
            case openai.NotFoundError():
                return ModelError(f"{url} has no model {self._endpoint.model!r} (404); see its /models: {said}")
            case openai.RateLimitError():
                return OverloadedError(f"{url} takes no more requests now (429){again}; try later: {said}")
            case openai.InternalServerError():
                return ModelError(f"{url} failed ({error.status_code}){again}: {said}")
            case openai.APIStatusError():
                return ModelError(f"{url} refused the request ({error.status_code}): {said}")
            case openai.APITimeoutError():
                return ModelError(f"{url} gave no answer within {self._limits.timeout_s:g} s{again}")
            case openai.APIConnectionError():
                return ModelError(f"{url} cannot be reached, or broke off its answer{again}: {said}")
        return ModelError(f"what {url} sent is no answer of an OpenAI-compatible server: {said}")


class _RawCalls(BaseChatOpenAI):
    """Keeps calls as the server wrote them: langchain-openai fails on arguments that are JSON and no object."""

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:
        # A body that is no answer is the super class's to refuse.
        said: Any = response.choices[0].message if getattr(response, "choices", None) else None
        raw = [(call.function.name, call.function.arguments) for call in getattr(said, "tool_calls", None) or ()]
        if raw:
            said.tool_calls = None
        result = super()._create_chat_result(response, generation_info)
        result.generations[0].message.additional_kwargs[_CALLS] = raw
        return result


class _Compatible(_RawCalls):
    """Most servers know max_tokens only."""


class _Official(_RawCalls, ChatOpenAI):
    """OpenAI's own wants it as max_completion_tokens."""


def _is_too_long(error: openai.APIStatusError, said: str) -> bool:
    return error.status_code == 413 or error.code == "context_length_exceeded" or bool(_TOO_LONG.search(said))


def _said(error: Exception, key: str) -> str:
    """What the server, or else the network, says of an error, in one short line that holds no key."""
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    line = " ".join(str(told or error.__cause__ or error).split())
    line = "".join(filter(str.isprintable, line if key == NO_KEY else line.replace(key, "***")))
    return line if len(line) <= _SAID_CHARS else f"{line[:_SAID_CHARS]}..."


def _messages(messages: Sequence[Message]) -> list[BaseMessage]:
    """Our messages in LangChain's; results go to the calls before them in order."""
    made: list[BaseMessage] = []
    open_ids: list[str] = []
    for place, message in enumerate(messages):
        match message.role:
            case "system":
                made.append(SystemMessage(message.content))
            case "user":
                made.append(HumanMessage(message.content))
            case "assistant":
                open_ids = [f"call_{place}_{number}" for number in range(len(message.tool_calls))]
                calls = zip(message.tool_calls, open_ids, strict=True)
                written = [tool_call(name=call.name, args=call.arguments, id=id) for call, id in calls]
                made.append(AIMessage(message.content, tool_calls=written))
            case "tool":
                made.append(ToolMessage(message.content, tool_call_id=open_ids.pop(0) if open_ids else "call"))
    return made


def _offered(tool: ToolSpec) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}} | tool.parameters
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _completion(message: AIMessage, tools: Sequence[ToolSpec]) -> Completion:
    text = str(message.text).strip()
    raw: Sequence[tuple[str, str]] = message.additional_kwargs[_CALLS] if tools else ()
    calls = tuple(ToolCall(name, _arguments(arguments)) for name, arguments in raw)
    if tools and not calls:
        # A server that knows nothing of tool calls leaves them in the text.
        calls, text = HERMES.read(text), HERMES.said(text)
    usage = message.usage_metadata
    cut = message.response_metadata.get("finish_reason") == "length"
    finish: Finish = "length" if cut else "tool_calls" if calls else "stop"
    return Completion(
        text,
        calls,
        _log_probabilities(message.response_metadata.get("logprobs")),
        usage["input_tokens"] if usage else 0,
        finish,
        unconstrained=all(_is_object(text) for _, text in raw) and are_valid(calls, tools),
        reported_tokens=usage["output_tokens"] if usage else 0,
    )


def _log_probabilities(told: Any) -> tuple[float, ...]:
    """Of each token; none where the server leaves one out, for that of the whole is not known then."""
    content = told.get("content") if isinstance(told, dict) else None
    tokens = content if isinstance(content, list) else []
    found = [token.get("logprob") if isinstance(token, dict) else None for token in tokens]
    known = [min(0.0, float(one)) for one in found if isinstance(one, int | float) and not math.isnan(one)]
    return tuple(known) if len(known) == len(found) else ()


def _arguments(text: str) -> dict[str, Any]:
    """Those of a call; servers that write them twice as JSON are understood, and what is no object is left out."""
    value = _read(text)
    value = _read(value) if isinstance(value, str) else value
    return value if isinstance(value, dict) else {}


def _is_object(text: str) -> bool:
    return isinstance(_read(text), dict)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
