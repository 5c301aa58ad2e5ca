"""The threat model stays true: each test that it names is there, and what it says of other sites holds."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from test_service import LOCAL, FakeRun

from services.app import app_of
from services.options import Options

ROOT = Path(__file__).parents[1]
TESTS = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
THREATS = (ROOT / "services" / "THREATS.md").read_text(encoding="utf-8")
ROWS = [line for line in THREATS.splitlines() if line.startswith("| ")][1:]
OTHER = {"Origin": "https://elsewhere.example"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_threat_names_tests_that_there_are(row):
    named = re.findall(r"`(test_\w+)`", row)
    assert named
    assert [name for name in named if f"def {name}(" not in TESTS] == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"])
def test_a_page_of_another_site_can_neither_read_nor_send(kind):
    client = TestClient(app_of(FakeRun(), "toy", Options(allow_edits=True)), LOCAL)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    body = '{"system": "kg", "question": "Weight?"}'
    answers = [
        client.get("/ask", params={"system": "kg", "question": "Weight?"}, headers=OTHER),
        client.options("/ask", headers=OTHER | asked),
        *(client.post(path, content=body, headers=OTHER | {"Content-Type": kind}) for path in ("/ask", "/edit")),
    ]
    assert [answer.status_code for answer in answers[2:]] == [422, 422]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]
