"""Errors as OpenAI's servers word them, for whatever is asked below /v1: its clients read no other shape.

Which error it is, `problems` has decided; here it is only said differently.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from kinject.errors import OptionError

from .schemas import Problem

PREFIX = "/v1/"
EXAMPLE: dict[str, Any] = {
    "message": "no 'kinject/kgg'",
    "type": "invalid_request_error",
    "param": "model",
    "code": "model_not_found",
}

# By a problem's title, where its status alone does not say it: the status and the code that a client expects.
TITLES: dict[str, tuple[int, str]] = {
    "Unknown system": (404, "model_not_found"),
    "Question too long": (400, "context_length_exceeded"),
    "Queue full": (503, "overloaded"),
    "Shutting down": (503, "shutting_down"),
}
CODES: dict[int, str] = {401: "invalid_api_key", 429: "rate_limit_exceeded", 500: "internal_error", 504: "timeout"}
TYPES: dict[int, str] = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ParameterError(OptionError):
    """A parameter whose value this service does not take; `param` is its name, `code` what clients tell it by."""

    def __init__(self, message: str, param: str, code: str = "unsupported_value") -> None:
        super().__init__(message)
        self.param, self.code = param, code


class ErrorModel(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorResponse(BaseModel):
    """What every error below /v1 says."""

    error: ErrorModel


def status_of(problem: Problem) -> int:
    """The status of OpenAI's servers: what cannot be answered as it was asked is 400 and not 422."""
    status, _ = TITLES.get(problem.title, (problem.status, ""))
    return 400 if status == 422 else status


def of(problem: Problem, param: str | None = None, code: str | None = None) -> ErrorResponse:
    status = status_of(problem)
    _, known = TITLES.get(problem.title, (0, ""))
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    if known == "model_not_found":
        param = "model"
    return ErrorResponse(
        error=ErrorModel(message=problem.detail, type=kind, param=param, code=code or known or CODES.get(status))
    )
