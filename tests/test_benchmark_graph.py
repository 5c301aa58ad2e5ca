"""benchmarks.graph: what it times, and the table of right answers by lost edges."""

import json
from dataclasses import replace

import pytest
from conftest import FakeLM, make_toy_corpus

from benchmarks import graph
from kinject import corpus
from kinject.errors import OptionError
from kinject.lm.base import ToolCall


class Closing(FakeLM):
    def close(self):
        self.closed = True


@pytest.fixture
def folder(tmp_path, monkeypatch):
    def reply(chat):
        if chat.messages[-1].role == "tool":
            return chat.messages[-1].content.split(" | ")[-1]
        name = next(word for word in chat.messages[-1].content.replace("'s", "").split() if word[:1].isupper())
        return ToolCall("get_fact", {"entity": name, "relation": "weight"})

    monkeypatch.setattr(graph, "open_model", lambda name: Closing(reply))
    corpus.save(make_toy_corpus(), tmp_path / "toy")
    return tmp_path


def test_speed_times_every_case_in_both_stores_and_weighs_a_fact():
    times, costs = graph.speed(entities=40, calls=5)
    assert times.columns == ("tool", "of", "networkx", "columns")
    assert all(float(cell.split(" / ")[0]) > 0 for row in times.rows for cell in row[2:])
    assert [row[0] for row in costs.rows] == ["seconds to build", "bytes a fact: facts", "bytes a fact: names"]
    assert int(costs.rows[1][2]) < int(costs.rows[1][1])


def test_quality_has_a_column_a_share_and_causes_that_add_up(folder, capsys):
    graph.main(["quality", str(folder / "toy"), "--n", "6", "--dropout", "0,1", "--out", str(folder / "out")])
    assert "| 0 % of facts lost" in capsys.readouterr().out
    content = json.loads((folder / "out" / "graph-toy.json").read_text(encoding="utf-8"))
    of = {(row["dropout"], row["metric"]): row["value"] for row in content["rows"]}
    assert (of[1.0, "missing_edge"], of[1.0, "recall"]) == (1.0, 0.0)
    right = sum(record["verdicts"][0]["outcome"] == "correct" for record in content["records"][:24])
    assert sum(of[0.0, cause] for cause in graph.CAUSES) == pytest.approx(1 - right / 24)


def test_what_cannot_be_asked_is_said(folder):
    toy = make_toy_corpus()
    unlinked = tuple(fact for fact in toy.facts if fact.relation != "companion")
    corpus.save(replace(toy, facts=unlinked), folder / "bare")
    with pytest.raises(OptionError, match="has nothing to ask of multihop; choose another --family"):
        graph.main(["quality", str(folder / "bare"), "--family", "multihop"])


@pytest.mark.parametrize("shares", ["2", "0,-0.1"])
def test_a_share_is_between_0_and_1(folder, shares, capsys):
    with pytest.raises(SystemExit):
        graph.main(["quality", str(folder / "toy"), "--dropout", shares])
    assert f"expected shares between 0 and 1, found {shares}" in capsys.readouterr().err
