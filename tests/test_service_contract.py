"""The whole OpenAPI document held against the service: Schemathesis makes the requests, right ones and wrong ones.

It asks every route of the document, so that a new one is covered with its first line. A failure is what any of its
checks finds: a status, a type or a body that is not documented, a server's error, bad input that is let through.
"""

import collections
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from run_folder import SKILLS, make_run
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    NotAServerErrorConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.engine import events, from_schema

from kinject import study
from kinject.errors import StoreError
from kinject.types import Answer, Evidence, Turn, Usage
from services.app import app_of
from services.options import Limits, Options

FEW = int(os.environ.get("KINJECT_CONTRACT_EXAMPLES", "3"))  # a route and phase; beside them each rule's own edges
MANY = 100
NAMES = ("kg", "broken")
# What the document cannot know of this run. Random words alone would seldom get beyond "unknown".
KNOWN = {"system": NAMES, "systems": [[name] for name in NAMES], "subject": ["Aldo"], "name": ["Aldo"]}


@dataclass
class Echo:
    def ask(self, question: str, history: tuple[Turn, ...] = ()) -> Answer:
        evidence = tuple(Evidence("history", turn.text, 0.5) for turn in history[-1:])
        return Answer(f"echo: {question}", 0.9, evidence, Usage(7, 2, 1, 0.01))


class Served(study.Run):
    def system(self, name: str) -> Echo:
        if name == "broken":
            raise StoreError("its index is damaged; build it again")
        return Echo()

    @property
    def systems(self) -> tuple[str, ...]:
        return NAMES


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    opened = study.open_run(make_run(tmp_path_factory.mktemp("runs") / "one", {"kg": SKILLS["kg"]}, n=3))
    (opened.folder / "report.html").write_text("<p>a report</p>", encoding="utf-8")
    served = Served(opened.folder, opened.manifest, opened.corpus)
    # Under which hosts' names the service answers is for another file.
    app = app_of(served, "toy", Options(Limits(question_characters=200, body_bytes=5000), hosts=()))
    _name_known(app.openapi())
    return app


def _name_known(node: Any) -> None:
    """Where the document lets a client name something, let it be what there is as well."""
    if isinstance(node, list):
        for each in node:
            _name_known(each)
    if not isinstance(node, dict):
        return
    if node.get("in") and node["name"] in KNOWN:
        node["schema"] = {"anyOf": [{"enum": list(KNOWN[node["name"]])}, node["schema"]]}
    for name, values in KNOWN.items():
        if name in node.get("properties", {}):
            node["properties"][name] = {"anyOf": [{"enum": list(values)}, node["properties"][name]]}
    for each in node.values():
        _name_known(each)


def config(examples: int) -> SchemathesisConfig:
    checks = ChecksConfig(
        # A full queue, a damaged system and a deadline are answers; a bug is 500.
        not_a_server_error=NotAServerErrorConfig(expected_statuses=["2xx", "3xx", "4xx", "503", "504"]),
        # The document cannot know the names of a run, nor what its corpus holds, nor every limit of length.
        positive_data_acceptance=PositiveDataAcceptanceConfig(
            expected_statuses=["2xx", "400", "403", "404", "409", "413", "422", "503"]
        ),
    )
    made = GenerationConfig(max_examples=examples, deterministic=True, no_shrink=True)
    return SchemathesisConfig(
        projects=ProjectsConfig(default=ProjectConfig(checks=checks, generation=made, continue_on_failure=True))
    )


def found(app, examples: int) -> tuple[collections.Counter, dict[str, str]]:
    """How many requests of each status there were, and the failures: what is wrong, and with which request."""
    document = schemathesis.openapi.from_asgi("/openapi.json", app, config=config(examples))
    statuses: collections.Counter = collections.Counter()
    failures = {}
    for event in from_schema(document).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if not isinstance(event, events.ScenarioFinished):
            continue
        statuses.update(e.response.status_code for e in event.recorder.interactions.values() if e.response)
        for case, failure in _failures(event):
            failures.setdefault(f"{event.label}: {failure.title}: {failure.message}", case)
    return statuses, failures


def _failures(event: events.ScenarioFinished) -> Iterator[tuple[str, Exception]]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info:
                yield check.failure_info.code_sample, check.failure_info.failure


def test_no_request_gets_an_answer_that_is_not_in_the_document(app):
    statuses, failures = found(app, FEW)
    assert not failures, "\n\n".join(f"{what}\n{how}" for what, how in failures.items())
    assert sum(statuses.values()) > 1000
    assert {200, 400, 403, 404, 405, 422} <= set(statuses)


def test_a_wrong_method_is_told_all_that_are_right(app):
    with TestClient(app) as client:
        response = client.delete("/ask")
        assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
        assert client.post("/static/main.js").headers["allow"] == "GET, HEAD"


@pytest.mark.slow
def test_nor_among_thousands(app):
    statuses, failures = found(app, MANY)
    assert not failures, "\n\n".join(f"{what}\n{how}" for what, how in failures.items())
    assert sum(statuses.values()) > 3000
