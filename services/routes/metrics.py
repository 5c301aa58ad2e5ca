"""/metrics: what the service counts, as Prometheus reads it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from .. import problems
from ..metrics import Metrics
from ..schemas import NoQuery


def router(metrics: Metrics) -> APIRouter:
    routes = APIRouter(responses=problems.responses(413, 422))

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def counted(query: Annotated[NoQuery, Query()]) -> Response:
        """Requests, questions by system and outcome, tokens, and what is held now, in Prometheus' text format."""
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes
