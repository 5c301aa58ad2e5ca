"""The Model Context Protocol over a finished run: the graph's tools and `ask`, for a client that brings its own model.

It speaks over stdin and stdout, so that nothing else may print there; whoever starts it is who may ask. It knows no
HTTP, and changes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import ConfigDict, Field, ValidationError

from kinject import __version__, study
from kinject.errors import KinjectError
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import make_tools

from . import asking, problems
from .desk import Desk
from .options import Options
from .schemas import AskRequest, AskResponse, Filled, MinConfidence
from .service import Service
from .shelf import Finished, Shelf

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

INSTRUCTIONS = (
    "What the corpus {corpus!r} states: `ask` puts a question to a system of the run and says how sure it is and on "
    "what it rests; the other tools look into the corpus's knowledge graph. Days are written 2024-05-03."
)
ASK = (
    "Put a question to one system of the run. The answer carries its confidence and evidence; to go on with the "
    "dialogue, send back its `history`."
)
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
UNFIT = "cannot "  # how a graph's tool begins where the call itself was wrong; that nothing was found is an answer


class AskArguments(AskRequest):
    model_config = ConfigDict(extra="forbid")

    system: Annotated[Filled, Field(description="which of the run's systems answers")]
    min_confidence: MinConfidence = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as clients see it, and what calling it does. Raises KinjectError and pydantic's ValidationError."""

    tool: Tool
    call: Callable[[Mapping[str, Any]], Awaitable[CallToolResult]]


def serve(run_folder: Path, options: Options) -> None:
    """Until the client closes stdin. Raises StoreError where the folder holds no whole run."""
    run = study.open_run(run_folder)
    server = server_of(run, run.corpus.name, options)

    async def talk() -> None:
        # While this is open, the SDK sends what anything else writes to stdout to stderr.
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(talk)


def server_of(run: Finished, corpus: str, options: Options) -> Server[Any]:
    """The server over anything that can name and load its systems. The graph holds the corpus's facts as they are."""
    service = Service(run, Desk(run, options.limits), options, corpus, Shelf(run))
    tools = [_ask(service), *(_looking_up(service, tool) for tool in make_tools(Graph(run.corpus), "all"))]
    offered = {one.tool.name: one for one in tools}

    async def list_tools(_: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[one.tool for one in offered.values()])

    async def call_tool(_: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        if params.name not in offered:
            return _said(f"no tool {params.name!r}; choose one of: {', '.join(offered)}", is_error=True)
        try:
            return await offered[params.name].call(params.arguments or {})
        except ValidationError as error:
            return _said(_what_does_not_fit(error), is_error=True)
        except KinjectError as error:
            return _said(problems.of(error).detail, is_error=True)

    return Server(
        "kinject",
        version=__version__,
        instructions=INSTRUCTIONS.format(corpus=corpus),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _ask(service: Service) -> Offered:
    schema = AskArguments.model_json_schema()
    schema["properties"]["system"]["enum"] = list(service.desk.names)

    async def call(arguments: Mapping[str, Any]) -> CallToolResult:
        asked = AskArguments.model_validate(arguments)
        service.desk.check(asked.question, asked.system)
        said = await asking.put(service, asked)
        answer = await asking.answer(service, asked.system, asked, said, asking.Wish(asked.min_confidence))
        return CallToolResult(
            content=[TextContent(type="text", text=answer.model_dump_json())],
            structured_content=answer.model_dump(mode="json"),
        )

    output = AskResponse.model_json_schema(mode="serialization")
    tool = Tool(name="ask", description=ASK, input_schema=schema, output_schema=output, annotations=READS)
    return Offered(tool, call)


def _looking_up(service: Service, tool: "BaseTool") -> Offered:
    schema = tool.get_input_jsonschema()
    known = schema["properties"]

    async def call(arguments: Mapping[str, Any]) -> CallToolResult:
        # A day under another name would be left out, and the answer be that of today.
        if unknown := [name for name in arguments if name not in known]:
            return _said(f"{UNFIT}use the argument {unknown[0][:80]}: choose from {', '.join(known)}", is_error=True)
        # A large graph may take a moment, which the event loop must not wait for.
        text = str(await service.desk.work(lambda: tool.invoke(dict(arguments))))
        return _said(text, is_error=text.startswith(UNFIT))

    return Offered(Tool(name=tool.name, description=tool.description, input_schema=schema, annotations=READS), call)


def _said(text: str, is_error: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


def _what_does_not_fit(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"cannot use the argument {'.'.join(str(part) for part in first['loc'])}: {first['msg'].lower()}"
