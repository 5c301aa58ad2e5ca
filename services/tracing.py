"""Traces for OpenTelemetry: a span for each request, each use of a system in it, and each call of a model.

Names, counts and times only: neither questions nor answers are in them. Needs the extra `otel`; where the spans go is
said by the standard variables, such as OTEL_EXPORTER_OTLP_ENDPOINT.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from kinject.errors import OptionError
from kinject.lm import watching

from .service import Service

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

NOT_TRACED = "health,metrics"  # asked every few seconds, by machines
SCOPE = "kinject"


def install(app: FastAPI, provider: "TracerProvider | None" = None) -> None:
    """Trace every request of `app`, which has not started yet; to a collector, unless a provider is given.

    Raises OptionError where the extra is not installed.
    """
    try:
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        provider = provider or _exporting()
    except ModuleNotFoundError as error:
        raise OptionError(f"--otel needs {error.name}: pip install 'kinject[otel]'") from error
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        server_request_hook=_without_query,
        excluded_urls=NOT_TRACED,
        exclude_spans=["receive", "send"],
    )
    service: Service = app.state.service
    service.desk.around = _Spans(provider.get_tracer(SCOPE)).use


class _Spans:
    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    @contextmanager
    def use(self, system: str) -> Iterator[None]:
        """The span of one use of a system, from its place in the line to its answer."""
        with self._span(f"use {system}", {"kinject.system": system}), watching.watched(self._call):
            yield

    @contextmanager
    def _call(self, call: watching.Call) -> Iterator[None]:
        # The names are those of OpenTelemetry's conventions for generative AI.
        named = {"gen_ai.operation.name": "chat", "gen_ai.request.model": call.model}
        with self._span(f"chat {call.model}", named) as span:
            yield
            span.set_attribute("gen_ai.usage.input_tokens", call.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", call.completion_tokens)

    @contextmanager
    def _span(self, name: str, attributes: Mapping[str, str]) -> "Iterator[Span]":
        from opentelemetry.trace import StatusCode

        # What an error says can repeat what was asked: its kind must do.
        quiet: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span(name, attributes=attributes, **quiet) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise


def _without_query(span: "Span", scope: Mapping[str, Any]) -> None:
    """A question asked by GET is part of the address."""
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    for name in ("http.url", "url.full", "http.target"):
        if name in attributes:
            span.set_attribute(name, str(attributes[name]).partition("?")[0])
    if "url.query" in attributes:
        span.set_attribute("url.query", "")


def _exporting() -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", SCOPE)
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
