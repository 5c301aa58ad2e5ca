"""What the service lets one look up: corpus, statements, examples, runs and reports; nothing that it does not list."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from conftest import make_toy_corpus
from fastapi.testclient import TestClient
from run_folder import SKILLS, make_run

from kinject import study
from kinject.systems.sft import nearest
from kinject.types import Fact
from services.app import app_of

LOCAL = "http://127.0.0.1:8000"
FEW = {name: SKILLS[name] for name in ("sft", "kg")}
TRAVERSALS = (
    "../secret",
    "..%2fsecret",
    "....//secret",
    "%2e%2e/secret",
    "..\\secret",
    "/etc/passwd",
    "file:///etc/passwd",
    "runs/../../secret",
    "one/../one",
    "./one",
    "one/",
    "one\0",
    "one\0.html",
    ".",
    "..",
    "",
    "~",
    "C:\\secret",
    "//host/secret",
    "\u2025/secret",
    "one/report.html",
    "%00",
    "%252e%252e/secret",
    "one#/../../secret",
    "one?/../../secret",
    "/proc/self/root/etc/passwd",
    "a" * 300,
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home") / "runs"
    make_run(folder / "one", FEW, n=6)
    shutil.copytree(folder / "one", folder / "two")
    make_run(folder.parent / "secret", FEW, n=2)
    (folder / "linked").symlink_to(folder.parent / "secret")
    (folder / "unfinished").mkdir()
    (folder / "damaged").mkdir()
    (folder / "damaged" / "study.json").write_text("{", encoding="utf-8")
    (folder / "one" / "report.html").write_text("<p>the first</p>", encoding="utf-8")
    (folder.parent / "secret" / "report.html").write_text("secret", encoding="utf-8")
    (folder / "two" / "report.html").symlink_to(folder.parent / "secret" / "report.html")
    return folder


@pytest.fixture(scope="module")
def client(runs) -> Iterator[TestClient]:
    with TestClient(app_of(study.open_run(runs / "one"), "toy"), LOCAL, raise_server_exceptions=False) as client:
        yield client


def detail(response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["detail"]


def names(client, **query) -> tuple[int, list[str]]:
    found = client.get("/corpus/entities", params=query).json()
    return found["total"], [entity["name"] for entity in found["entities"]]


def test_the_card_says_how_much_there_is_of_what(client):
    card = client.get("/corpus").json()
    assert card.pop("fingerprint") == make_toy_corpus().fingerprint()
    assert card.pop("relations")[:2] == [
        {"name": "price", "kind": "number", "unit": "EUR", "facts": 16},
        {"name": "weight", "kind": "number", "unit": "g", "facts": 8},
    ]
    assert card == {
        "name": "toy",
        "description": "",
        "day": "2024-06-01",
        "documents": 8,
        "entities": 8,
        "facts": 48,
        "facts_now": 40,
    }


def test_entities_come_page_by_page(client):
    assert names(client, limit=2, offset=3) == (8, ["Dunet", "Elmar"])
    assert names(client, offset=100) == (8, [])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("COR", ["Corvo"]),
        ("vo", ["Corvo", "Grivo"]),
        ("dunnet", ["Dunet"]),
        ("  a", ["Aldo", "Brila", "Elmar", "Fonda", "Hessa"]),
        ("zzz", []),
    ],
)
def test_a_search_finds_beginnings_then_parts_and_else_what_is_like_it(client, typed, found):
    assert names(client, search=typed) == (len(found), found)


def test_an_entity_has_its_facts_with_their_days_and_documents(client):
    entity = client.get("/corpus/entities/Aldo").json()
    assert entity["facts"][0] == {
        "id": "f0-0",
        "relation": "price",
        "object": "10.50 EUR",
        "unit": "EUR",
        "valid_from": "2022-01-01",
        "valid_to": "2024-01-01",
        "holds_now": False,
        "document_id": "d0",
    }
    assert [(page["id"], page["title"]) for page in entity["documents"]] == [("d0", "Aldo")]


def test_a_name_with_a_slash_is_a_name(runs):
    run = study.open_run(runs / "one")
    odd = Fact("odd", "1/2 ../x?", "weight", "1 g", "d0")
    other = study.Run(run.folder, run.manifest, replace(run.corpus, facts=(*run.corpus.facts, odd)))
    with TestClient(app_of(other, "toy"), LOCAL) as client:
        assert client.get("/corpus/entities/1%2F2%20..%2Fx%3F").json()["facts"][0]["object"] == "1 g"


@pytest.mark.parametrize("name", ["Alda", "..%2F..%2Fetc%2Fpasswd", "%00", "a" * 900, ""])
def test_an_unknown_entity_is_404(client, name):
    assert detail(client.get(f"/corpus/entities/{name}"))[0] == 404


def test_an_unknown_entity_brings_to_mind_those_like_it(client):
    assert detail(client.get("/corpus/entities/Alda")) == (
        404,
        "no entity 'Alda' in corpus 'toy'; did you mean 'Aldo'?",
    )


def test_the_nearest_statement_is_the_one_that_answers(client):
    nearest = client.get("/corpus/statements", params={"question": "Which weight does Corvo have?", "limit": 3}).json()
    first = nearest["statements"][0]
    assert first.pop("score") > 0
    assert first == {
        "text": "The weight of Corvo is 120 g.",
        "answer": "Corvo, weight: 120 g",
        "subject": "Corvo",
        "relation": "weight",
        "object": "120 g",
    }


def test_the_index_of_statements_is_made_once(runs, monkeypatch):
    made = []
    real = nearest.Statements
    monkeypatch.setattr(nearest, "Statements", lambda corpus: made.append(corpus) or real(corpus))
    with TestClient(app_of(study.open_run(runs / "one"), "toy"), LOCAL) as client:
        for question in ("Aldo?", "Brila?", "?!"):
            assert client.get("/corpus/statements", params={"question": question}).status_code == 200
    assert len(made) == 1


def test_examples_are_the_questions_of_the_study_by_family(client):
    families = client.get("/examples", params={"limit": 2}).json()["families"]
    assert [(family["kind"], family["total"]) for family in families] == [
        ("recall", 6),
        ("temporal", 6),
        ("unanswerable", 12),
        ("pushback", 6),
    ]
    first = families[0]["examples"][0]
    assert first.pop("rival").endswith(" g")
    assert first == {
        "id": "recall-0",
        "kind": "recall",
        "question": "Which weight does Aldo 0 have?",
        "gold": ["100 g"],
        "relation": "weight",
        "subject": "Aldo 0",
    }


def test_a_rival_is_never_the_right_value(client):
    found = [each for family in client.get("/examples").json()["families"] for each in family["examples"]]
    assert [each for each in found if each["rival"] in each["gold"]] == []


def test_runs_lists_finished_runs_and_follows_no_link(client):
    told = client.get("/runs").json()["runs"]
    assert [(run["id"], run["served"], run["report"]) for run in told] == [("one", True, True), ("two", False, False)]
    assert told[0]["systems"] == ["sft", "kg"]
    recall = told[0]["headlines"]["recall"]["kg"]
    assert (recall.keys(), recall["n"]) == ({"value", "low", "high", "n"}, 6)


def test_a_damaged_neighbour_costs_only_its_own_row_from_then_on(client, runs):
    assert [run["id"] for run in client.get("/runs").json()["runs"]] == ["one", "two"]
    with (runs / "two" / "estimates.jsonl").open("a", encoding="utf-8") as log:
        log.write("{damaged}\n")
    assert [run["id"] for run in client.get("/runs").json()["runs"]] == ["one"]


@pytest.mark.parametrize("query", [{}, {"run": "one"}])
def test_the_report_is_a_page_that_can_do_nothing(client, query):
    page = client.get("/report", params=query)
    assert (page.text, page.headers["content-type"]) == ("<p>the first</p>", "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("sandbox")
    assert "script-src" not in policy


@pytest.mark.parametrize("run", TRAVERSALS)
def test_no_part_of_a_request_becomes_a_path(client, run):
    assert detail(client.get("/report", params={"run": run}))[0] == 404


@pytest.mark.parametrize("run", ["linked", "two", "unfinished", "damaged", "secret"])
def test_a_report_behind_a_link_or_of_no_finished_run_is_not_given(client, run):
    assert detail(client.get("/report", params={"run": run}))[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/corpus?x=1",
        "/corpus/entities?limit=0",
        "/corpus/entities?limit=201",
        "/corpus/entities?offset=-1",
        "/corpus/statements",
        "/corpus/statements?question=%20",
        "/examples?limit=51",
        "/report?run=a&id=b",
        f"/report?run={'a' * 301}",
    ],
)
def test_a_bad_query_is_422(client, path):
    assert detail(client.get(path))[0] == 422


def test_the_examples_of_the_openapi_document_fit_its_own_models(client):
    from services import browse_schemas, edit_schemas, pushback_schemas

    for module in (browse_schemas, edit_schemas, pushback_schemas):
        for model in (one for one in vars(module).values() if isinstance(one, type) and hasattr(one, "model_config")):
            example = (model.model_config.get("json_schema_extra") or {}).get("example")
            if example is not None and model.__module__ == module.__name__:
                model.model_validate_json(json.dumps(example))
