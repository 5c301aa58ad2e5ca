"""/health: whether the process is alive, and whether it takes questions. Neither waits for a model or wants a key."""

from typing import Annotated

from fastapi import APIRouter, Query

from .. import problems
from ..problems import DrainingError
from ..schemas import HealthResponse, NoQuery
from ..service import Service

Nothing = Annotated[NoQuery, Query()]


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.responses(413, 422))

    @routes.get("/health")
    async def health(query: Nothing) -> HealthResponse:
        """The same as /health/live."""
        return HealthResponse()

    @routes.get("/health/live")
    async def live(query: Nothing) -> HealthResponse:
        """Whether the process answers at all; if not, start it again."""
        return HealthResponse()

    @routes.get("/health/ready", responses=problems.responses(503))
    async def ready(query: Nothing) -> HealthResponse:
        """Whether it takes questions; 503 once it was told to stop, so that no more are sent here."""
        if service.desk.draining:
            raise DrainingError("the service is shutting down")
        return HealthResponse(status="ready")

    return routes
