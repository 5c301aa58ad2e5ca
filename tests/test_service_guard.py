"""What stands before the routes: keys, headers, other origins."""

import re

import pytest
from fastapi.testclient import TestClient
from test_service import LIMITS, LOCAL, FakeRun, problem

from kinject import keys
from services.app import app_of
from services.headers import DEFAULTS
from services.options import Options

OPEN = ("/", "/static/page.css", "/docs", "/openapi.json", "/health", "/health/live", "/health/ready")
GUARDED = ("/systems", "/docs/more", "/metrics", "/report", "/healthy", "/ask?system=kg&question=q", "/nowhere")


def client(**options) -> TestClient:
    app = app_of(FakeRun(), "toy", Options(LIMITS, **options))
    return TestClient(app, LOCAL, raise_server_exceptions=False)


@pytest.fixture
def key(tmp_path) -> str:
    return keys.add(tmp_path / "keys", "alice")


@pytest.fixture
def guarded(key, tmp_path) -> TestClient:
    return client(keys=keys.read(tmp_path / "keys"))


def test_whoever_has_a_key_is_let_in(guarded, key):
    for kind in ("Bearer", "bearer"):
        assert guarded.get("/systems", headers={"Authorization": f"{kind} {key}"}).status_code == 200


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_key_nothing_is_told(guarded, path):
    refused = guarded.get(path)
    assert problem(refused)[:2] == (401, "Unauthorized")
    assert refused.headers["www-authenticate"] == 'Bearer realm="kinject"'


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {key}", "{key}", "Bearer {key}x"])
def test_anything_but_a_key_is_refused(guarded, key, sent):
    assert guarded.get("/systems", headers={"Authorization": sent.format(key=key)}).status_code == 401


def test_a_key_in_the_address_or_a_cookie_is_none(guarded, key):
    assert guarded.get("/systems", params={"key": key, "access_token": key}).status_code == 401
    assert guarded.get("/systems", headers={"Cookie": f"key={key}", "X-API-Key": key}).status_code == 401


@pytest.mark.parametrize("path", OPEN)
def test_the_page_and_the_state_of_health_need_no_key(guarded, path):
    assert guarded.get(path).status_code in (200, 404)


def test_the_document_says_which_routes_want_a_key(guarded, key):
    document = guarded.get("/openapi.json", headers={"Authorization": f"Bearer {key}"}).json()
    wanting = {path for path, methods in document["paths"].items() for each in methods.values() if "security" in each}
    assert set(document["paths"]) - wanting == {"/health", "/health/live", "/health/ready"}
    assert "401" in document["paths"]["/systems"]["get"]["responses"]


@pytest.mark.parametrize("path", ["/systems", "/nowhere", "/ask", "/ask?system=kg&question=bug", "/openapi.json"])
def test_every_answer_tells_the_browser_to_be_careful(path):
    answer = client().get(path)
    assert {name: answer.headers[name] for name in DEFAULTS} == DEFAULTS


def test_a_policy_of_the_routes_own_stays():
    assert "script-src 'self'" in client().get("/").headers["content-security-policy"]


def test_no_other_origin_may_read_an_answer():
    answer = client().get("/systems", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_only_the_origins_that_were_named_may_ask(guarded, tmp_path):
    opened = client(origins=("https://good.example",), keys=keys.read(tmp_path / "keys"))
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = opened.options("/ask", headers={"Origin": "https://good.example", **asks})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://good.example")
    assert "access-control-allow-credentials" not in allowed.headers
    other = opened.options("/ask", headers={"Origin": "https://evil.example", **asks})
    assert "access-control-allow-origin" not in other.headers


def test_the_documentation_runs_no_script_and_fetches_nothing():
    page = client().get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "POST /ask" in page.text
    assert not re.search(r"<script|(?:src|href)=\"(?![/#])", page.text)


def test_ready_ends_when_the_service_drains_and_live_does_not():
    asked = client()
    assert asked.get("/health/ready").json() == {"status": "ready"}
    asked.app.state.service.desk.draining = True
    assert problem(asked.get("/health/ready"))[:2] == (503, "Shutting down")
    assert asked.get("/health/live").status_code == 200
