"""The edit moment: one fact changes while the service runs, and each system follows, or is left as it was."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from conftest import FakeLM, make_toy_corpus
from fastapi.testclient import TestClient

from kinject import corpus, plugins, study
from kinject.errors import ModelError
from kinject.study import asking
from kinject.study.plan import PROBES
from kinject.systems import closed_book
from services.app import create_app
from services.editing import Editor
from services.options import Options

LOCAL = "http://127.0.0.1:8000"
SEVEN = {"subject": "Aldo", "relation": "weight", "object": "7"}
SETTINGS = (*(f"{kind}=1" for kind in plugins.names(PROBES) if kind != "own"), "rag.retriever=bm25")


class Reader(FakeLM):
    """Reads the weight of Aldo in its passages, and says by heart what it was at first."""

    def __init__(self) -> None:
        super().__init__(lambda chat: "7 g" if "weight of Aldo is 7 g" in chat.messages[-1].content else "100 g")

    def close(self) -> None: ...


@pytest.fixture(scope="module", autouse=True)
def reader():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "CALLERS", 4)
        for module in ("kinject.study", "kinject.study.run"):
            patch.setattr(sys.modules[module], "open_model", lambda name: Reader())
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edit")
    corpus.save(make_toy_corpus(), folder / "toy")
    return study.run(study.Study(folder / "toy", folder / "run", "fake", ("closed_book", "rag"), SETTINGS))


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "runs" / "one")


@pytest.fixture
def client(folder) -> Iterator[TestClient]:
    app = create_app(folder, Options(allow_edits=True))
    with TestClient(app, LOCAL, raise_server_exceptions=False) as client:
        yield client


def ended(client, edit: dict) -> dict:
    response = client.post("/edit", json=edit)
    assert response.status_code == 202, response.text
    until = time.monotonic() + 120
    while not (found := client.get(f"/edit/{response.json()['id']}").json())["done"]:
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def states(edit: dict) -> dict[str, tuple[str, str]]:
    return {system["name"]: (system["state"], system["answer"]) for system in edit["systems"]}


def says(client, system: str) -> str:
    return client.get("/ask", params={"system": system, "question": "Which weight does Aldo have?"}).json()["answer"]


def weights(run) -> list[str]:
    return [fact.object for fact in run.corpus.current().facts_of("Aldo", "weight")]


def test_each_system_follows_by_its_own_means_or_is_told_to_be_stale(client):
    assert says(client, "rag") == "100 g"
    edit = ended(client, SEVEN)
    assert (edit["old"], edit["new"], edit["problem"]) == ("100 g", "7 g", "")
    assert states(edit) == {"closed_book": ("stale", "100 g"), "rag": ("fresh", "7 g")}
    rag = edit["systems"][1]
    assert (rag["before"]["answer"], rag["before"]["stale"]["value"], rag["after"]["stale"]["value"]) == ("100 g", 1, 0)
    assert rag["after"]["unchanged_right"]["n"] > 0
    assert 0 < rag["seconds"] < rag["fresh_after_s"]
    assert says(client, "rag") == "7 g"


def test_the_corpus_and_the_runs_show_the_new_state_and_the_old_run_is_as_it_was(client, folder):
    edit = ended(client, SEVEN)
    held = [fact for fact in client.get("/corpus/entities/Aldo").json()["facts"] if fact["relation"] == "weight"]
    assert [(fact["object"], fact["holds_now"]) for fact in held] == [("100 g", False), ("7 g", True)]
    listed = {run["id"]: (run["served"], run["update_of"]) for run in client.get("/runs").json()["runs"]}
    assert listed == {"one": (False, None), edit["run"]: (True, "one")}
    assert weights(study.open_run(folder)) == ["100 g"]
    assert weights(study.open_run(folder.parent / edit["run"])) == ["7 g"]


def test_the_examples_are_still_those_of_the_study_less_what_is_no_longer_true(client):
    edit = {"subject": "Aldo", "relation": "material", "object": "glass"}

    def asked() -> list[tuple[str, str, str]]:
        families = client.get("/examples").json()["families"]
        return [(one["question"], one["subject"], one["relation"]) for each in families for one in each["examples"]]

    before = asked()
    ended(client, edit)
    after = asked()
    # Counting what is of steel rests on what Aldo is of.
    assert {relation for _, _, relation in set(before) - set(after)} == {"material"}
    assert set(after) - set(before) == set()
    assert ("Aldo", "material") not in {one[1:] for one in after}


def test_a_second_edit_goes_on_from_the_first(client, folder):
    first = ended(client, SEVEN)
    second = ended(client, {"subject": "Brila", "relation": "material", "object": "glass", "on": "2024-08-01"})
    assert second["run"] != first["run"]
    after = study.open_run(folder.parent / second["run"]).corpus.current()
    assert [after.facts_of(*fact)[0].object for fact in (("Aldo", "weight"), ("Brila", "material"))] == ["7 g", "glass"]


def test_an_edit_that_was_sent_before_another_ended_goes_on_from_it(client, monkeypatch):
    begin, dearer = Editor.begin, SEVEN | {"relation": "price", "object": "30 EUR"}

    def late(self, *args):
        monkeypatch.setattr(Editor, "begin", begin)
        ended(client, SEVEN)
        return begin(self, *args)

    monkeypatch.setattr(Editor, "begin", late)
    assert ended(client, dearer)["run"] == "one-updated-updated"
    now = {fact.relation: fact.object for fact in client.app.state.service.shelf.book.corpus.current().facts_of("Aldo")}
    assert (now["weight"], now["price"]) == ("7 g", "30 EUR")


def test_a_system_whose_update_fails_is_left_as_it_was(client, folder, monkeypatch):
    def fail(*args):
        raise ModelError("out of memory")

    monkeypatch.setattr(closed_book, "update", fail, raising=False)
    edit = ended(client, SEVEN)
    assert states(edit)["closed_book"][0] == "failed"
    assert edit["systems"][0]["problem"] == "out of memory; it is left as it was"
    assert states(edit)["rag"] == ("fresh", "7 g")
    assert (says(client, "closed_book"), says(client, "rag")) == ("100 g", "7 g")
    assert study.open_run(folder.parent / edit["run"]).systems == ("rag",)
    assert states(ended(client, SEVEN | {"object": "8"})).keys() == {"rag"}


def test_a_bug_in_an_update_costs_one_system_and_keeps_its_details_in_the_log(client, monkeypatch, caplog):
    monkeypatch.setattr(closed_book, "update", lambda *args: 1 // 0, raising=False)
    edit = ended(client, SEVEN)
    assert edit["systems"][0]["problem"] == "it failed and is left as it was; the service's log says where"
    assert "ZeroDivisionError" in caplog.text
    assert states(edit)["rag"] == ("fresh", "7 g")


def test_there_is_one_edit_at_a_time_and_questions_are_answered_meanwhile(client, monkeypatch):
    entered, release = threading.Event(), threading.Event()

    def wait(*args):
        entered.set()
        assert release.wait(timeout=60)

    monkeypatch.setattr(closed_book, "update", wait, raising=False)
    first = client.post("/edit", json=SEVEN).json()["id"]
    assert entered.wait(timeout=60)
    refused = client.post("/edit", json=SEVEN)
    assert (refused.status_code, refused.json()["detail"]) == (409, "another edit is being done; wait until it is")
    assert says(client, "rag") == "100 g"
    assert client.get(f"/edit/{first}").json()["systems"][0]["state"] == "updating"
    release.set()
    while not client.get(f"/edit/{first}").json()["done"]:
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("edit", "detail"),
    [
        (SEVEN | {"relation": "wieght"}, "the edit: no relation 'wieght' (did you mean 'weight'?)"),
        (SEVEN | {"subject": "aldo"}, "the edit: no subject 'aldo'; write it as 'Aldo'"),
        (SEVEN | {"object": "heavy"}, "the edit: 'heavy' is no number, and 'weight' is one"),
        (SEVEN | {"object": "100 g"}, "nothing changes: the 1 facts are as the corpus has them"),
    ],
)
def test_an_edit_that_does_not_fit_changes_nothing_and_the_next_one_may_come(client, folder, edit, detail):
    for _ in range(2):
        refused = client.post("/edit", json=edit)
        assert (refused.status_code, refused.json()["detail"]) == (422, detail)
    assert [child.name for child in folder.parent.iterdir()] == ["one"]


@pytest.mark.parametrize(
    "edit",
    [
        {},
        SEVEN | {"on": "soon"},
        SEVEN | {"on": 0},
        SEVEN | {"on": "86400"},  # seconds since 1970
        SEVEN | {"on": "0999-12-31"},  # no question can be put as of that day
        SEVEN | {"object": ""},
        SEVEN | {"object": "a\0"},
        SEVEN | {"key": "x"},
    ],
)
def test_a_bad_edit_is_422(client, edit):
    assert client.post("/edit", json=edit).status_code == 422


def test_an_unknown_edit_is_404(client):
    assert client.get("/edit/..%2f1").status_code == 404
    assert client.get("/edit/1").status_code == 404


def test_edits_are_off_unless_they_are_allowed(folder):
    with TestClient(create_app(folder), LOCAL) as client:
        assert client.post("/edit", json=SEVEN).json()["title"] == "Not allowed"
        assert client.get("/edit/1").status_code == 403
        assert client.get("/systems").json()["allow_edits"] is False
    assert [child.name for child in folder.parent.iterdir()] == ["one"]


def test_an_edit_that_the_end_of_the_service_cut_off_goes_on_when_it_is_sent_again(folder, monkeypatch):
    entered, release = threading.Event(), threading.Event()

    def wait(*args):
        entered.set()
        assert release.wait(timeout=60)

    with monkeypatch.context() as patch, TestClient(create_app(folder, Options(allow_edits=True)), LOCAL) as client:
        patch.setattr(closed_book, "update", wait, raising=False)
        client.post("/edit", json=SEVEN)
        assert entered.wait(timeout=60)
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("edit-"):
            thread.join(timeout=60)
    assert not (folder.parent / "one-updated" / "study.json").exists()
    with TestClient(create_app(folder, Options(allow_edits=True)), LOCAL) as client:
        assert ended(client, SEVEN)["run"] == "one-updated"
