"""/systems: what there is to ask."""

from typing import Annotated

from fastapi import APIRouter, Query

from .. import problems
from ..schemas import NoQuery, SystemModel, SystemsResponse
from ..service import Service


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.RESPONSES)

    @routes.get("/systems")
    async def systems(query: Annotated[NoQuery, Query()]) -> SystemsResponse:
        """The names that /ask takes."""
        known = (SystemModel(name=name, loaded=service.desk.is_loaded(name)) for name in service.desk.names)
        allowed = service.options.allow_edits
        return SystemsResponse(corpus=service.corpus, systems=tuple(known), allow_edits=allowed)

    return routes
