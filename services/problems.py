"""Errors as RFC 9457 problems: which error gets which status, in one table.

It knows nothing of the routes. An error that is nobody's fault but ours says so and keeps its details in the log.
"""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from kinject.errors import (
    CalledOffError,
    KinjectError,
    OverloadedError,
    PromptTooLongError,
    StoreError,
    UnknownNameError,
)

from . import openai_errors
from .openai_errors import ParameterError
from .schemas import Problem

RETRY_AFTER_S = 1
CLIENT_GONE = 499  # for the log only, as nginx has it: nobody is left to read it
MEDIA_TYPE = "application/problem+json"
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)  # of the request that is being served

_log = logging.getLogger("kinject.service")


class UnknownSystemError(UnknownNameError):
    """A system that the run does not have; `systems` are those it has."""

    def __init__(self, name: str, systems: tuple[str, ...]) -> None:
        super().__init__(f"no {name[:80]!r} in systems; choose one of: {', '.join(systems)}")
        self.systems = systems


class NotFoundError(UnknownNameError):
    """Something that an address names and that is not there."""


class ForbiddenError(KinjectError):
    """Something that this service was not started to do."""


class ConflictError(KinjectError):
    """Something that cannot be done while something else is."""


class QuestionTooLongError(PromptTooLongError):
    """A question longer than the service reads."""


class DrainingError(OverloadedError):
    """The service takes no more questions: it is about to stop."""


class DeadlineError(KinjectError):
    """An answer that took longer than the service waits for one."""


class FailedError(KinjectError):
    """A failure that is nobody's fault but ours; the error that it is raised from is for the log only."""

    def __init__(self) -> None:
        super().__init__("the service failed; its log says where")


# The first row whose class fits is the answer, so children come before their parents.
STATUS: tuple[tuple[type[KinjectError], int, str], ...] = (
    (UnknownSystemError, 422, "Unknown system"),
    (NotFoundError, 404, "Not found"),
    (ForbiddenError, 403, "Not allowed"),
    (ConflictError, 409, "Busy"),
    (PromptTooLongError, 413, "Question too long"),
    (DrainingError, 503, "Shutting down"),
    (OverloadedError, 503, "Queue full"),
    (StoreError, 503, "System unavailable"),
    (DeadlineError, 504, "Deadline passed"),
    (FailedError, 500, "Internal error"),
    (CalledOffError, CLIENT_GONE, "Client gone"),
    (KinjectError, 422, "Cannot answer"),
)

_DESCRIPTIONS = {
    401: "No key, or one that is not known",
    403: "Not allowed: the service was started without it",
    404: "No such thing",
    409: "Busy with another one",
    408: "The body did not come in time",
    413: "Question, history or body too long",
    422: "Unknown system or bad input",
    429: "More requests than one client may send in a minute",
    503: "Queue full, system unavailable or service shutting down",
    504: "Not answered in time",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents of its problems."""
    return {
        status: {"model": Problem, "description": _DESCRIPTIONS[status], "content": {MEDIA_TYPE: {}}}
        for status in statuses
    }


RESPONSES = responses(408, 413, 422, 503, 504)


def failed(error: Exception) -> FailedError:
    """An error that a client is told nothing of."""
    hidden = FailedError()
    hidden.__cause__ = error
    return hidden


def install(app: FastAPI) -> None:
    """Every error of `app` becomes a problem."""
    app.add_exception_handler(KinjectError, _of_kinject)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_anything)


class Refusal(JSONResponse):
    """A problem, which below /v1 is said as OpenAI's servers say it."""

    def __init__(self, body: Problem, headers: Mapping[str, str] | None, error: Exception | None) -> None:
        super().__init__(body.model_dump(exclude_none=True), body.status, headers, MEDIA_TYPE)
        named = (error.param, error.code) if isinstance(error, ParameterError) else (_param(error), None)
        said = openai_errors.of(body, *named).model_dump()
        self._below_v1 = JSONResponse(said, openai_errors.status_of(body), headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(openai_errors.PREFIX):
            await self._below_v1(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def problem(body: Problem, headers: Mapping[str, str] | None = None, error: Exception | None = None) -> Refusal:
    """With the id of the request, so that who reports it can be told what the log says of it.

    `error` is what the problem was made of, which may name a parameter.
    """
    identified = body.model_copy(update={"request_id": body.request_id or request_id.get()})
    return Refusal(identified, headers, error)


def unexpected() -> JSONResponse:
    """The answer to an error that nobody foresaw."""
    return problem(Problem(title="Internal error", status=500, detail=str(FailedError())))


def of(error: Exception) -> Problem:
    """What an error says to a client. One that is ours is logged here."""
    if not isinstance(error, KinjectError):
        return of(failed(error))
    if isinstance(error, FailedError):
        _log.error("a request failed", exc_info=error.__cause__)
    status, title = next((status, title) for kind, status, title in STATUS if isinstance(error, kind))
    systems = error.systems if isinstance(error, UnknownSystemError) else None
    return Problem(title=title, status=status, detail=str(error), systems=systems)


def _of_kinject(request: Request, error: Exception) -> JSONResponse:
    said = of(error)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if said.status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(said, headers, error)


def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The value itself is left out: it can be anything, even text that JSON cannot carry.
    details = "; ".join(f"{_place(each['loc'])}: {each['msg'].lower()}" for each in error.errors()[:5])
    said = Problem(title="Bad input", status=422, detail=details.encode("utf-8", "replace").decode())
    return problem(said, error=error)


def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # FastAPI answers 400 to a body that Python's JSON reader gives up on, and 422 to any other bad JSON.
        return problem(Problem(title="Bad input", status=422, detail=str(error.detail).lower()))
    title = "Content Too Large" if error.status_code == 413 else HTTPStatus(error.status_code).phrase
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names the methods of one route, and GET and POST of an address are two.
        headers = {"Allow": ", ".join(_allowed(request))}
    return problem(Problem(title=title, status=error.status_code, detail=str(error.detail)), headers)


def _allowed(request: Request) -> list[str]:
    routes = request.app.router.routes
    asked = [(method, {**request.scope, "method": method}) for method in _METHODS]
    return [method for method, scope in asked if any(route.matches(scope)[0] is Match.FULL for route in routes)]


def _of_anything(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises this error again, so that whoever runs the service logs it.
    return unexpected()


def _param(error: Exception | None) -> str | None:
    """The parameter of the body that a validation found fault with first."""
    if not isinstance(error, RequestValidationError) or not error.errors():
        return None
    named = [str(part) for part in error.errors()[0]["loc"][1:2]]
    return named[0].encode("utf-8", "replace").decode()[:80] if named else None


def _place(location: tuple[int | str, ...]) -> str:
    # Where several types are tried, pydantic names each as Python writes it, which says nothing to a client.
    return ".".join(str(part)[:80] for part in location if "[" not in str(part))
