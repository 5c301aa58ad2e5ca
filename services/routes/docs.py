"""/docs: the OpenAPI document as one page of text, rendered here: it needs no script, and nothing from elsewhere."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined

from ..service import Service


def router(service: Service) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    source = (resources.files(__package__.rpartition(".")[0]) / "docs.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    (style,) = re.findall("<style>(.*?)</style>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"

    @routes.api_route("/docs", methods=["GET", "HEAD"])
    async def docs(request: Request) -> HTMLResponse:
        document = request.app.openapi()
        text = template.render(document=document, operations=operations(document))
        return HTMLResponse(text, headers={"Content-Security-Policy": policy})

    return routes


def operations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every method of every path, with its parameters, and an example of what goes in and of what comes out."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "id": said["operationId"],
            "text": said.get("description") or said["summary"],
            "parameters": [
                {**one, "kind": _kind(one["schema"]), "text": one.get("description", "")}
                for one in said.get("parameters", ())
            ],
            "body": _example(document, said.get("requestBody", {})),
            "responses": [(status, each["description"]) for status, each in said["responses"].items()],
            "answer": next(
                (_example(document, each) for status, each in said["responses"].items() if status < "3"), ""
            ),
        }
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    ]


def _kind(schema: Mapping[str, Any]) -> str:
    """`string or null`, `one of a, b`: what may stand there, in words."""
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if schema.get("type") == "array":
        return f"{_kind(schema.get('items', {}))}, may be repeated"
    return str(schema.get("format") or schema.get("type") or "any")


def _example(document: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    schema = content.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    example = document["components"]["schemas"][name].get("example") if name else None
    return json.dumps(example, indent=2, ensure_ascii=False) if example is not None else ""
