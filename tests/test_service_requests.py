"""What is known of a request: its id, its line in the log, how many a client may send, and what is counted."""

import json
import logging
import re

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from test_service import LIMITS, LOCAL, FakeRun, problem

from kinject import keys
from services import logs, problems, rates
from services.app import app_of
from services.options import Options
from services.rates import Buckets

SECRET = "whereisthesecretquestion"


def client(address: str = "192.0.2.1", **options) -> TestClient:
    app = app_of(FakeRun(), "toy", Options(LIMITS, **options))
    return TestClient(app, LOCAL, raise_server_exceptions=False, client=(address, 5000))


def samples(asked: TestClient) -> dict[str, float]:
    """What /metrics says, by name and labels."""
    families = text_string_to_metric_families(asked.get("/metrics").text)
    return {" ".join((each.name, *each.labels.values())): each.value for family in families for each in family.samples}


def test_an_id_that_is_brought_is_kept():
    answer = client().get("/systems", headers={"X-Request-ID": "trace-01:a"})
    assert answer.headers["x-request-id"] == "trace-01:a"


@pytest.mark.parametrize("brought", ["", "a b", "x" * 129, "a\tb", "<b>", "caf\u00e9".encode()])
def test_an_id_that_could_do_harm_is_replaced(brought):
    answer = client().get("/systems", headers={"X-Request-ID": brought})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/nowhere", "/ask", "/ask?system=kg&question=bug", "/ask?system=broken&question=q"])
def test_a_problem_has_the_id_of_its_request(path):
    refused = client().get(path, headers={"X-Request-ID": "abc"})
    assert (refused.json()["request_id"], refused.headers["x-request-id"]) == ("abc", "abc")


def test_an_error_that_nobody_foresaw_has_the_id_and_the_headers_too(monkeypatch):
    asked = client()
    monkeypatch.setattr(type(asked.app.state.service.desk), "is_loaded", lambda *_: 1 / 0)
    failed = asked.get("/systems")
    assert problem(failed)[:2] == (500, "Internal error")
    assert failed.json()["request_id"] == failed.headers["x-request-id"]
    assert failed.headers["x-content-type-options"] == "nosniff"


def test_a_request_is_one_line_without_what_was_asked_or_a_key(tmp_path, caplog):
    key = keys.add(tmp_path / "keys", "alice")
    asked = client(keys=keys.read(tmp_path / "keys"))
    with caplog.at_level(logging.INFO, "kinject.service"):
        headers = {"Authorization": f"Bearer {key}"}
        asked.get("/ask", params={"system": "kg", "question": SECRET}, headers=headers)
        asked.get(f"/{SECRET}")
    lines = [record.getMessage() for record in caplog.records if record.name == "kinject.service.requests"]
    assert [re.sub(r"[\d.]+ ms", "T ms", line) for line in lines] == ["GET /ask 200 T ms", "GET (none) 401 T ms"]
    fields = [record.fields for record in caplog.records if record.name == "kinject.service.requests"]
    assert [(each["status"], each.get("key")) for each in fields] == [(200, "alice"), (401, None)]
    assert all(secret not in repr(record.__dict__) for record in caplog.records for secret in (SECRET, key))


def test_a_line_in_json_has_every_field_of_the_request():
    record = logging.makeLogRecord({"name": "n", "levelname": "INFO", "msg": "a\nb", "fields": {"status": 200}})
    problems.request_id.set("abc")
    row = json.loads(logs.Json().format(record))
    assert row.pop("time").endswith("Z")
    assert row == {"level": "info", "logger": "n", "request_id": "abc", "message": "a\nb", "status": 200}


def test_a_line_of_text_stays_one_line():
    record = logging.makeLogRecord({"levelname": "INFO", "msg": "a\r\nb"})
    problems.request_id.set("abc")
    assert logs.Plain().format(record).endswith("Z INFO abc a\\r\\nb")


def test_a_client_who_asks_too_often_is_told_when_to_come_back():
    asked = client(per_minute=2)
    assert [asked.get("/systems").status_code for _ in range(3)] == [200, 200, 429]
    refused = asked.get("/systems")
    assert problem(refused)[:2] == (429, "Too Many Requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert asked.get("/health").status_code == 200
    other = TestClient(asked.app, LOCAL, client=("192.0.2.2", 5000))
    assert other.get("/systems").status_code == 200


def test_a_key_is_one_client_from_whatever_address(tmp_path):
    made = [{"Authorization": f"Bearer {keys.add(tmp_path / 'keys', name)}"} for name in ("alice", "bob")]
    first = client(per_minute=1, keys=keys.read(tmp_path / "keys"))
    other = TestClient(first.app, LOCAL, client=("192.0.2.2", 5000))
    assert [each.get("/systems", headers=made[0]).status_code for each in (first, other)] == [200, 429]
    assert other.get("/systems", headers=made[1]).status_code == 200


def test_a_bucket_fills_as_time_goes_by_and_never_above_its_size():
    now = 0.0
    buckets = Buckets(6, lambda: now)
    assert [buckets.wait("a") for _ in range(7)] == [0] * 6 + [10]
    now = 10.0
    assert [buckets.wait("a") for _ in range(2)] == [0, 10]
    now = 10_000.0
    assert [buckets.wait("a") for _ in range(7)] == [0] * 6 + [10]


def test_no_more_clients_are_remembered_than_fit(monkeypatch):
    monkeypatch.setattr(rates, "CLIENTS", 10)
    buckets = Buckets(1, lambda: 0.0)
    for number in range(100):
        buckets.wait(str(number))
    assert len(buckets) == 10
    assert (buckets.wait("99"), buckets.wait("0")) == (60, 0)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_a_client_and_so_is_a_whole_site(address, name):
    assert rates.client({"client": (address, 1)}) == name


def test_requests_are_counted_by_route_and_questions_by_how_they_ended():
    asked = client()
    for question in ("one", "two", "bug", "long"):
        asked.get("/ask", params={"system": "kg", "question": question})
    for number in range(3):
        asked.get(f"/nowhere/{number}")
    found = samples(asked)
    assert {name: value for name, value in found.items() if name.startswith("kinject_http_requests_total")} == {
        "kinject_http_requests_total GET /ask 200": 2,
        "kinject_http_requests_total GET /ask 500": 1,
        "kinject_http_requests_total GET /ask 413": 1,
        "kinject_http_requests_total GET (none) 404": 3,
    }
    assert {name: value for name, value in found.items() if name.startswith("kinject_questions_total")} == {
        "kinject_questions_total answered kg": 2,
        "kinject_questions_total failed kg": 1,
        "kinject_questions_total problem kg": 1,
    }
    assert found["kinject_tokens_total kg"] == 18
    assert found["kinject_http_request_seconds_count /ask"] == 4


def test_what_is_held_now_is_counted_when_it_is_looked_at():
    asked = client()
    before = samples(asked)
    asked.get("/ask", params={"system": "kg", "question": "q"})
    asked.app.state.service.desk.draining = True
    after = samples(asked)
    assert (before["kinject_system_loaded kg"], after["kinject_system_loaded kg"]) == (0, 1)
    assert (before["kinject_draining"], after["kinject_draining"]) == (0, 1)
    assert (after["kinject_held"], after["kinject_held_limit"], after["kinject_cancelled_total"]) == (0, 16, 0)
    assert after["process_resident_memory_bytes"] > 1e6


def test_two_applications_count_apart():
    first, second = client(), client()
    first.get("/systems")
    assert not [name for name in samples(second) if name.startswith("kinject_http_requests_total")]
