"""/challenges, /challenge and /pushback: a user who objects, a turn at a time or through the whole protocol."""

import asyncio
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request

from kinject.errors import KinjectError
from kinject.study import challenging
from kinject.study.asking import Reply, reply
from kinject.types import Probe, System, Turn

from .. import problems
from .. import pushback_schemas as shapes
from ..presence import unless_gone
from ..schemas import NoQuery
from ..service import Service
from ..shelf import Book


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.RESPONSES)

    @routes.get("/challenges")
    async def challenges(query: Annotated[NoQuery, Query()]) -> shapes.ChallengesResponse:
        """Who can object: six challengers, and two controls."""
        known = (
            shapes.ChallengeModel(name=one.name, label=one.label, needs=one.needs, rounds=challenging.ROUNDS)
            for one in challenging.CHALLENGERS
        )
        return shapes.ChallengesResponse(challenges=tuple(known))

    @routes.post("/challenge")
    async def challenge(body: shapes.ChallengeRequest, query: Annotated[NoQuery, Query()]) -> shapes.ChallengeResponse:
        """What a challenger says next, to be sent as the next question of each system's own history."""
        service.desk.check(body.question)
        text = await to_thread.run_sync(_turn, service.shelf.book, body)
        return shapes.ChallengeResponse(text=text, round=body.turn)

    @routes.post("/pushback")
    async def pushback(
        request: Request, body: shapes.PushbackRequest, query: Annotated[NoQuery, Query()]
    ) -> shapes.PushbackResponse:
        """Ask, object round by round, ask once more; for every system and challenger by itself."""
        service.desk.check(body.question, *body.names)
        book = service.shelf.book
        probe, scripts = await to_thread.run_sync(_prepared, book, body)
        found: dict[tuple[str, str], shapes.Trajectory | shapes.Broken] = {}

        async def dialogue(name: str, challenger: str) -> None:
            said = (probe.question, *scripts[challenger])
            try:
                found[name, challenger] = await _dialogue(service, book, probe, name, challenger, said)
            except KinjectError as error:
                broken = shapes.Broken(system=name, challenger=challenger, problem=problems.of(error))
                found[name, challenger] = broken

        pairs = [(name, challenger) for name in body.names for challenger in scripts]

        async def all_of_them() -> None:
            async with asyncio.TaskGroup() as group:
                for pair in pairs:
                    group.create_task(dialogue(*pair))

        await unless_gone(request, all_of_them())
        told = tuple(found[pair] for pair in pairs)
        return shapes.PushbackResponse(question=probe.question, gold=probe.gold, rival=probe.rival, trajectories=told)

    return routes


async def _dialogue(
    service: Service, book: Book, probe: Probe, name: str, challenger: str, said: tuple[str, ...]
) -> shapes.Trajectory:
    """Each turn waits at the desk by itself, so that a long dialogue does not keep others out."""
    scored = probe if probe.gold and probe.rival else None
    replies: list[Reply] = []
    history: list[Turn] = []
    for text in said:
        replies.append(await service.desk.use(name, partial(_reply, text=text, history=tuple(history), scored=scored)))
        history += [Turn("user", text), Turn("assistant", replies[-1].answer.text)]
    answers, margins = [one.answer for one in replies], [one.margins[0] for one in replies if one.margins]
    found = await to_thread.run_sync(lambda: challenging.judge(probe, answers, margins, book.grader))
    return shapes.trajectory(name, challenger, said, replies, found)


def _reply(system: System, *, text: str, history: tuple[Turn, ...], scored: Probe | None) -> Reply:
    return reply(system, text, history, scored)


def _turn(book: Book, body: shapes.ChallengeRequest) -> str:
    *rounds, _re_ask = challenging.script(body.challenger, _about(book, body), book.corpus)
    return rounds[min(body.turn, len(rounds)) - 1]


def _prepared(book: Book, body: shapes.PushbackRequest) -> tuple[Probe, dict[str, tuple[str, ...]]]:
    """The question with what is known of it, and what each challenger will say."""
    probe = _about(book, body)
    scripts = {}
    for name in body.challengers:
        *rounds, re_ask = challenging.script(name, probe, book.corpus)
        scripts[name] = (*rounds[: body.rounds], re_ask)
    return probe, scripts


def _about(book: Book, body: shapes.ChallengeRequest | shapes.PushbackRequest) -> Probe:
    return book.about(body.question, body.gold or "", body.rival or "")
