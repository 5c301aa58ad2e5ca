"""/corpus and /examples: what there is to ask about, and what the study asked."""

from itertools import islice
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query

from kinject.corpus import Corpus
from kinject.corpus.lookup import matching

from .. import browse_schemas as shapes
from .. import problems
from ..schemas import NoQuery
from ..service import Service
from ..shelf import Book

LONGEST_NAME = 1000


def router(service: Service) -> APIRouter:
    routes = APIRouter(responses=problems.responses(422, 503))
    shelf = service.shelf

    @routes.get("/corpus")
    async def corpus(query: Annotated[NoQuery, Query()]) -> shapes.CorpusResponse:
        """The corpus of the run, as it is now."""
        return await to_thread.run_sync(shapes.card, shelf.book.corpus)

    @routes.get("/corpus/entities")
    async def entities(query: Annotated[shapes.EntitiesQuery, Query()]) -> shapes.EntitiesResponse:
        """The entities whose name begins with what is searched for, holds it, or else is like it."""
        return await to_thread.run_sync(_entities, shelf.book.corpus, query)

    @routes.get("/corpus/entities/{name:path}", responses=problems.responses(404))
    async def entity(
        name: Annotated[str, Path(max_length=LONGEST_NAME, examples=["Vontriq 20"])], query: Annotated[NoQuery, Query()]
    ) -> shapes.EntityResponse:
        """An entity's facts with their days, and the documents that they stand in."""
        known = shelf.book.corpus
        if not known.facts_of(name):
            raise problems.NotFoundError(await to_thread.run_sync(_unknown, known, name))
        return shapes.entity(known, name)

    @routes.get("/corpus/statements")
    async def statements(query: Annotated[shapes.StatementsQuery, Query()]) -> shapes.StatementsResponse:
        """The training statements nearest to a question; the first request makes their index."""
        near = await to_thread.run_sync(lambda: shelf.book.statements.nearest(query.question, query.limit))
        return shapes.StatementsResponse(statements=tuple(map(shapes.statement, near)))

    @routes.get("/examples")
    async def examples(query: Annotated[shapes.ExamplesQuery, Query()]) -> shapes.ExamplesResponse:
        """Questions that the study asked, a family each, with what a challenger may assert."""
        return await to_thread.run_sync(_examples, shelf.book, query.limit)

    return routes


def _entities(corpus: Corpus, query: shapes.EntitiesQuery) -> shapes.EntitiesResponse:
    found = matching(corpus.entities(), query.search)
    page = found[query.offset : query.offset + query.limit]
    rows = tuple(shapes.EntityRow(name=name, facts=len(corpus.facts_of(name))) for name in page)
    return shapes.EntitiesResponse(total=len(found), entities=rows)


def _unknown(corpus: Corpus, name: str) -> str:
    near = [repr(one) for one in islice(matching(corpus.entities(), name[:200]), 3)] if name.strip() else []
    hint = f"; did you mean {', '.join(near)}?" if near else "; /corpus/entities?search= finds names"
    return f"no entity {name[:80]!r} in corpus {corpus.name!r}{hint}"


def _examples(book: Book, limit: int) -> shapes.ExamplesResponse:
    families = [
        shapes.FamilyModel(
            kind=kind,
            total=len(probes),
            examples=tuple(shapes.example(book.with_rival(probe)) for probe in probes[:limit]),
        )
        for kind, probes in book.examples.by_kind.items()
    ]
    return shapes.ExamplesResponse(families=tuple(families))
