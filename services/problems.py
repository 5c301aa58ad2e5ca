"""Errors as RFC 9457 problems: which error gets which status, in one table.

It knows nothing of the routes. An error that is nobody's fault but ours says so and keeps its details in the log.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from kinject.errors import (
    CalledOffError,
    KinjectError,
    OverloadedError,
    PromptTooLongError,
    StoreError,
    UnknownNameError,
)

from .schemas import Problem

RETRY_AFTER_S = 1
CLIENT_GONE = 499  # for the log only, as nginx has it: nobody is left to read it
MEDIA_TYPE = "application/problem+json"
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

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
    403: "Not allowed: the service was started without it",
    404: "No such thing",
    409: "Busy with another one",
    413: "Question, history or body too long",
    422: "Unknown system or bad input",
    503: "Queue full, system unavailable or service shutting down",
    504: "Not answered in time",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents of its problems."""
    return {
        status: {"model": Problem, "description": _DESCRIPTIONS[status], "content": {MEDIA_TYPE: {}}}
        for status in statuses
    }


RESPONSES = responses(413, 422, 503, 504)


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


def problem(body: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body.model_dump(exclude_none=True), body.status, headers, MEDIA_TYPE)


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
    return problem(said, headers)


def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The value itself is left out: it can be anything, even text that JSON cannot carry.
    details = "; ".join(f"{_place(each['loc'])}: {each['msg'].lower()}" for each in error.errors()[:5])
    return problem(Problem(title="Bad input", status=422, detail=details.encode("utf-8", "replace").decode()))


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
    return problem(Problem(title="Internal error", status=500, detail=str(FailedError())))


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:80] for part in location)
