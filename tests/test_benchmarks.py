"""benchmarks: what they ask, what they print and what they leave behind."""

import argparse
import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from conftest import FakeLM, make_toy_corpus
from run_folder import make_run
from torch import nn

from benchmarks import (
    fact_probe,
    hidden_scale,
    hybrid,
    load,
    pretraining,
    probing,
    pushback,
    quantised,
    speed,
    training,
)
from benchmarks.output import Table, guarded, publish, rate
from kinject.corpus import Corpus
from kinject.errors import KinjectError, ModelError, OptionError
from kinject.lab import pretrain
from kinject.lm.base import LM
from kinject.lm.local import LocalLM
from kinject.store import JsonLines, row_to_record
from kinject.systems import sft
from kinject.types import Answer, Estimate, Outcome, Probe, Record, System, Turn, Verdict

DEAD = "http://127.0.0.1:1"


@dataclass
class Parrot:
    """Says the number of turns before the question, and remembers what it was asked."""

    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        self.asked.append((question, tuple(turn.text for turn in history)))
        return Answer(f"said {len(history)}", 0.5)


@dataclass
class FakeRun:
    """The part of kinject.study.Run that benchmarks use."""

    folder: Path
    corpus: Corpus = field(default_factory=make_toy_corpus)
    systems: tuple[str, ...] = ("rag", "kg")
    manifest: ClassVar[dict[str, Any]] = {"model": {"name": "fake"}, "systems": {"rag": {}, "kg": {}}}
    model: LM = field(default_factory=lambda: FakeLM(lambda chat: "I don't know."))
    parrots: dict[str, Parrot] = field(default_factory=dict)

    def records(self) -> list[Record]:
        return [row_to_record(row) for row in JsonLines(self.folder / "records.jsonl").rows()]

    def system(self, name: str) -> System:
        return self.parrots.setdefault(name, Parrot())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    fake = FakeRun(make_run(tmp_path / "run", n=6))
    monkeypatch.setattr(probing, "open_run", lambda folder: fake)
    monkeypatch.setattr(speed, "open_run", lambda folder: fake)
    monkeypatch.setattr(hybrid, "open_run", lambda folder: fake)
    return fake


@pytest.fixture
def url() -> Iterator[str]:
    """A service that knows one system."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps(body).encode()
            self.send_response(200 if body["system"] == "kg" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_fact_probe_sums_up_the_records_of_a_run(
    run: FakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probing.measure("fact_probe", "", fact_probe.KINDS, ["run", "--out", str(tmp_path)])
    found = read(tmp_path / "fact_probe-toy.json")
    assert {(row["system"], row["probe"]) for row in found["rows"]} >= {("kg", "recall"), ("rag", "unanswerable")}
    assert found["corpus"] == {"name": "toy", "fingerprint": run.corpus.fingerprint()}
    assert "### recall" in capsys.readouterr().out


@pytest.mark.parametrize("kinds", [fact_probe.KINDS, pushback.KINDS])
def test_fresh_probes_are_the_same_for_every_system(run: FakeRun, kinds: Sequence[str]) -> None:
    probing.fresh(run, run.systems, kinds, 4, seed=3)
    asked = [sorted(text for text, history in parrot.asked if not history) for parrot in run.parrots.values()]
    assert len(asked[0]) >= 4
    assert asked[0] == asked[1]


def test_fresh_answers_are_kept_in_the_file(run: FakeRun, tmp_path: Path) -> None:
    probing.measure("fact_probe", "", ("recall",), ["run", "--n", "3", "--system", "kg", "--out", str(tmp_path)])
    found = read(tmp_path / "fact_probe-toy.json")
    assert [row_to_record(row).system for row in found["records"]] == ["kg"] * 3
    assert (found["fresh"], found["seed"]) == (True, 1)


def test_a_users_own_questions_cannot_be_made_anew(run: FakeRun) -> None:
    with pytest.raises(OptionError, match="leave out --n or --kind own"):
        probing.measure("fact_probe", "", ("own",), ["run", "--n", "3"])


def test_unknown_system_is_told_the_known_ones(run: FakeRun) -> None:
    with pytest.raises(OptionError, match="no system 'tree' in this run; it has rag, kg"):
        probing.measure("fact_probe", "", ("recall",), ["run", "--system", "tree"])


def test_run_without_such_records_says_what_to_do(run: FakeRun) -> None:
    with pytest.raises(OptionError, match="has no records of reverse for rag, kg; try --n 100"):
        probing.measure("fact_probe", "", ("reverse",), ["run"])


def test_no_question_is_asked_twice_and_callers_overlap() -> None:
    asked: list[str] = []
    busy: list[int] = []

    def ask(question: str) -> None:
        asked.append(question)
        busy.append(1)
        time.sleep(0.01)
        peaks.append(len(busy))
        busy.pop()

    peaks: list[int] = []
    found = load.measure(ask, [str(n) for n in range(98)], callers=16, pairs=3)
    assert sorted(asked, key=int) == [str(n) for n in range(98)]
    assert (found.questions, found.pairs) == (96, 3)
    assert max(peaks) > 1


def test_service_is_asked_over_kept_connections(url: str) -> None:
    with load.Service(url, "kg") as kg, load.Service(url, "rag") as rag, load.Service(DEAD, "kg") as dead:
        assert [kg.ask(question)["question"] for question in "QR"] == ["Q", "R"]
        with pytest.raises(ModelError, match="/ask answered 404"):
            rag.ask("Q")
        with pytest.raises(ModelError, match="no answer from"):
            dead.ask("Q")


def test_speed_under_load_is_written_for_every_way(run: FakeRun, url: str, tmp_path: Path) -> None:
    options = ["run", "--only", "load", "--system", "kg", "--questions", "20", "--pairs", "2", "--url", url]
    speed.main([*options, "--out", str(tmp_path)])
    rows = read(tmp_path / "speed-toy.json")["load"]
    assert [(row["system"], row["way"], row["pairs"]) for row in rows] == [("kg", "in process", 2), ("kg", "http", 2)]


def test_builds_are_timed_with_the_options_of_the_study(run: FakeRun, tmp_path: Path) -> None:
    speed.main(["run", "--only", "build", "--system", "kg", "--out", str(tmp_path)])
    (row,) = read(tmp_path / "speed-toy.json")["build"]
    assert (row["system"], row["documents"], row["facts"]) == ("kg", 8, 48)
    assert row["again_s"] > 0


def test_too_few_questions_for_the_blocks_are_refused() -> None:
    with pytest.raises(OptionError, match="5 different questions are too few for 3 pairs"):
        load.measure(str, ["a", "b", "c", "d", "e"], callers=16, pairs=3)


def test_a_token_costs_six_flop_a_weight_and_the_head_where_it_is_learnt() -> None:
    model = nn.Sequential(nn.Linear(10, 20, bias=False), nn.Linear(20, 30, bias=False))
    model.get_output_embeddings = lambda: model[1]
    assert training.flop_per_token(model, learnt=0.5) == 6 * (200 + 0.5 * 600)


def test_training_speed_is_measured_by_training(tiny_lm: LocalLM, toy_corpus: Corpus) -> None:
    torch.set_num_threads(1)
    found = training.measure(toy_corpus, tiny_lm, sft.Config(max_new_tokens=1), epochs=1)
    assert found.tokens > 500
    assert found.tokens_per_s == pytest.approx(found.tokens / found.seconds)
    assert 0 < found.share < 1
    assert 0 < found.learnt_share < 1


def test_result_file_has_null_for_nothing(run: FakeRun, tmp_path: Path) -> None:
    path = publish("x", run, {"rows": [{"value": math.nan}]}, [], tmp_path / "new", date(2026, 1, 2))
    assert (read(path)["rows"], read(path)["day"]) == ([{"value": None}], "2026-01-02")


def test_tables_are_markdown_with_an_interval_and_n() -> None:
    table = Table("recall", ("system", "accuracy"), (("kg", rate(Estimate(0.5, 0.25, 0.75, 8))), ("rag", "")))
    assert table.markdown().splitlines()[2:5] == [
        "| system | accuracy                |",
        "| ---    | ---                     |",
        "| kg     | 50.0 % [25.0, 75.0] n 8 |",
    ]
    assert rate(Estimate(math.nan, 0, 1, 0)) == "no data n 0"


def test_user_error_is_one_line_and_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise KinjectError("no such run")

    assert guarded(main) == 2
    assert capsys.readouterr().err == "error: no such run\n"


@pytest.mark.parametrize("text", ["0", "-3"])
def test_sizes_are_positive(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected at least 1"):
        probing.positive(text)


def test_hidden_states_begin_as_the_embeddings():
    table = hidden_scale.measure("mini", 2, 0)
    assert [row[0] for row in table.rows] == ["embedding", *(f"layer {n}" for n in range(1, pretrain.Config().layers))]
    assert table.rows[0][2] == "1.00 [1.00, 1.00]"


def test_the_recipes_speed_is_measured_by_training() -> None:
    tiny = pretrain.Config(layers=2, width=32, heads=2, vocabulary=400, sample=200, batch_tokens=1024, longest=600)
    workers, _, text, _, _, share = pretraining.measure([1], 60_000, tiny).rows[0]
    assert workers == "1"
    assert 0.5 < float(text) <= 1
    assert 0 < float(share) < 1


def test_too_few_tokens_for_a_speed_are_refused() -> None:
    tiny = pretrain.Config(layers=2, width=32, heads=2, vocabulary=400, sample=200, batch_tokens=1024, longest=600)
    with pytest.raises(OptionError, match="--tokens 500 ends before the second draw"):
        pretraining.measure([1], 500, tiny)


def test_ability_against_tokens_is_read_from_the_model(tmp_path: Path) -> None:
    rows = ({"tokens": n, "exact": {"reading": n / 1e7}} for n in range(10**6, 10**7, 10**6))
    (tmp_path / pretrain.CURVE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = pretraining.against_tokens(str(tmp_path), 3)
    assert [row[:3] for row in table.rows] == [("1.0 M", "10", "-"), ("5.0 M", "50", "-"), ("9.0 M", "90", "-")]
    with pytest.raises(OptionError, match="found no"):
        pretraining.against_tokens(str(tmp_path / ".."), 3)


def test_rounded_weights_are_measured_beside_the_model_as_it_is(tiny_qwen3):
    table = quantised.measure(str(tiny_qwen3), ["int8"], make_toy_corpus(), 8, 0)
    (base, rounded) = table.rows
    assert (base[0], rounded[0]) == (str(tiny_qwen3), f"{tiny_qwen3}@int8")
    assert float(rounded[1]) < float(base[1])
    assert all(cell.endswith("n 8") for cell in (base[4], rounded[3], rounded[4]))


def test_a_blend_is_compared_with_its_parts_on_the_same_probes(run: FakeRun, tmp_path: Path) -> None:
    options = ["--set", "dev=4", "--set", "parts=rag.retriever=bm25"]
    hybrid.main(["run", "--n", "4", *options, "--out", str(tmp_path)])
    found = read(tmp_path / "hybrid-rag_kg-toy.json")
    rows = {(row["probe"], row["system"]): row for row in found["rows"]}
    assert set(rows) == {(k, s) for k in (*hybrid.KINDS, "all") for s in ("rag_kg", "kg", "rag")}
    # It never knows: that is right about half of the unanswerable probes, and about nothing else.
    assert {rows[kind, "kg"]["right"]["value"] for kind in ("recall", "unanswerable")} == {0.0, 0.5}
    assert {(row["only_blend"], row["only_part"], row["p"]) for row in rows.values()} == {(0, 0, 1.0)}
    asked = [[r["probe"]["id"] for r in found["records"] if r["system"] == s] for s in ("rag_kg", "kg", "rag")]
    assert asked[0] == asked[1] == asked[2]


def test_a_lead_is_paired_over_the_probes() -> None:
    ours, theirs = ([record(system, n, n < right) for n in range(10)] for system, right in (("rag_kg", 9), ("kg", 3)))
    _, row = hybrid.compared([*ours, *theirs], "rag_kg", "recall")
    assert (row["only_blend"], row["only_part"], round(row["lead"]["value"], 2)) == (6, 0, 0.6)
    assert row["p"] == pytest.approx(2 / 2**6)


def record(system: str, n: int, right: bool) -> Record:
    verdict = Verdict(Outcome.CORRECT if right else Outcome.INCORRECT)
    return Record(
        "x", system, 0, Probe(f"p{n}", "recall", "?", ("x",), subject=f"s{n}"), (Answer("x", 0.5),), (verdict,)
    )
