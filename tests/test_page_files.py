"""The page's files as they are served: a fixed list, with validators, and nothing that a strict policy forbids."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from page_service import canned

PARTS = Path(__file__).parents[1] / "services" / "page"
FILES = sorted(path.name for path in PARTS.iterdir())


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(canned(), "http://127.0.0.1:8000")


@pytest.mark.parametrize("name", FILES)
def test_every_part_is_served_with_its_type_and_a_strict_policy(client, name):
    answer = client.get(f"/static/{name}")
    types = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert answer.headers["content-type"].split(";")[0] == types[name.rpartition(".")[2]]
    assert answer.content == (PARTS / name).read_bytes()
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self';"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_is_the_index(client):
    assert client.get("/").content == (PARTS / "index.html").read_bytes()
    assert client.head("/").headers["content-length"] == str((PARTS / "index.html").stat().st_size)


def test_a_part_that_has_not_changed_is_not_sent_again(client):
    etag = client.get("/static/main.js").headers["etag"]
    again = client.get("/static/main.js", headers={"if-none-match": f'"other", W/{etag}'})
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-cache")
    assert client.get("/static/main.js", headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["..%2fapp.py", "%2e%2e/app.py", "../app.py", "nothing.js", "main.js%00", "..%5capp.py", "%2fetc%2fpasswd", ""],
)
def test_what_is_not_on_the_list_is_not_there(client, path):
    assert client.get(f"/static/{path}").status_code == 404


@pytest.mark.parametrize("name", FILES)
def test_no_part_has_what_the_policy_forbids_or_names_another_place(name):
    text = (PARTS / name).read_text(encoding="utf-8")
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)\S+", text) == []
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|<style|\sstyle=|\son[a-z]+="
    )
    assert re.findall(forbidden, text) == []


def test_every_import_and_every_id_that_is_asked_for_is_there():
    scripts = {name: (PARTS / name).read_text(encoding="utf-8") for name in FILES if name.endswith(".js")}
    index = (PARTS / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r"/static/([\w.]+)", index)) | {
        n for t in scripts.values() for n in re.findall(r'from "\./([\w.]+)"', t)
    }
    assert named == set(FILES) - {"index.html"}
    ids = set(re.findall(r'\bid="([\w-]+)"', index))
    assert {each for text in scripts.values() for each in re.findall(r'byId\("([\w-]+)"\)', text)} - ids == set()
