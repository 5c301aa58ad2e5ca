"""Training that is killed anywhere, stopped early or shared by processes ends with the weights that it should."""

import hashlib
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import make_toy_corpus
from safetensors.torch import load_file

from kinject import corpus as corpora
from kinject.errors import CorpusError, ModelError
from kinject.lm.loading import load
from kinject.lm.workers import Worker, together
from kinject.systems import sft
from kinject.systems.sft import packing
from kinject.systems.sft.__main__ import main
from kinject.systems.sft.batches import batched
from kinject.systems.sft.checkpoints import Checkpoints, Epoch, best
from kinject.systems.sft.loop import Plan, train
from kinject.systems.sft.quiz import split

CORPUS = make_toy_corpus()
CONFIG = sft.Config(epochs=2, batch_tokens=1024, max_new_tokens=2)
CHILD = """
import os, random, signal, sys
from pathlib import Path
from conftest import make_toy_corpus
from test_sft_resume import CONFIG
from kinject.lm import open_model
from kinject.systems import sft

def kill(step):
    if "epoch" in step.note and step.done == random.Random(int(sys.argv[3])).randint(1, step.total):
        os.kill(os.getpid(), signal.SIGKILL)

sft.build(make_toy_corpus(), Path(sys.argv[1]), open_model(sys.argv[2]), CONFIG, kill)
"""


class Killed(BaseException):
    """What no code catches."""


def sha256(store):
    return hashlib.sha256((store / "model" / "model.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def finished(tiny_lm, tmp_path_factory):
    store = tmp_path_factory.mktemp("finished")
    sft.build(CORPUS, store, tiny_lm, CONFIG)
    return sha256(store)


def test_a_process_killed_at_a_random_step_ends_with_the_weights_of_one_that_was_not(
    tiny_lm, tiny_lfm2, tmp_path, finished
):
    command = [sys.executable, "-c", CHILD, str(tmp_path), str(tiny_lfm2), "3"]
    here = Path(__file__).parent
    child = subprocess.run(command, env={**os.environ, "PYTHONPATH": f"{here.parent}:{here}"}, capture_output=True)
    assert child.returncode == -signal.SIGKILL
    assert not (tmp_path / "model").exists()
    sft.build(CORPUS, tmp_path, tiny_lm, CONFIG)
    assert sha256(tmp_path) == finished


@pytest.mark.parametrize("checkpoint_s", [0.0, 1e-9])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_training_interrupted_at_any_step_ends_the_same(tiny_lm, tmp_path, finished, share, checkpoint_s):
    config, steps = replace(CONFIG, checkpoint_s=checkpoint_s), []

    def interrupt(step):
        steps.append(step.done)
        if "epoch" in step.note and step.done == round(share * step.total):
            raise Killed

    with pytest.raises(Killed):
        sft.build(CORPUS, tmp_path, tiny_lm, config, interrupt)
    resumed = []
    sft.build(CORPUS, tmp_path, tiny_lm, config, lambda step: resumed.append(step.done))
    assert sha256(tmp_path) == finished
    if checkpoint_s:  # it goes on where it was: the step before the last one was saved
        assert resumed[1] == steps[-1]


def drilled(folder, model, progress=lambda step: None):
    """Trained with dropout, in packs that are shuffled anew each epoch: what draws random numbers as it trains."""
    loaded = load(model, "cpu")
    loaded.model.float()
    for layer in loaded.model.model.layers:
        layer.self_attn.attention_dropout = 0.3
    rows = sft.rows(CORPUS, CONFIG, loaded.tokenizer, random.Random(0))[:24]
    options = {"epochs": 2, "checkpoint_s": 1e-9, "data": lambda rng: packing.packed(rows, 192, 0, 0, rng)}
    train(loaded.model, plan(loaded, **options), folder, progress)
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*/optimizer.safetensors"))]


@pytest.fixture(scope="module")
def drilled_through(tiny_qwen3, tmp_path_factory):
    """Digests of weights, masters and moments after each epoch, and the steps that there are."""
    steps = []
    found = drilled(tmp_path_factory.mktemp("drilled"), str(tiny_qwen3), steps.append)
    assert (len(found), len(steps) % 2) == (2, 0)
    return found, len(steps)


def test_dropout_draws_while_it_trains(tiny_qwen3, tmp_path, drilled_through, monkeypatch):
    monkeypatch.setattr("torch.manual_seed", lambda seed: None)
    torch.random.default_generator.manual_seed(1)
    assert drilled(tmp_path, str(tiny_qwen3)) != drilled_through[0]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75], ids=["mid-epoch 1", "epoch boundary", "mid-epoch 2"])
def test_dropout_and_shuffled_packs_are_resumed_to_the_bit(tiny_qwen3, tmp_path, drilled_through, share):
    expected, steps = drilled_through

    def kill(step):
        if step.done == round(share * steps):
            raise Killed

    with pytest.raises(Killed):
        drilled(tmp_path, str(tiny_qwen3), kill)
    assert drilled(tmp_path, str(tiny_qwen3)) == expected


@pytest.mark.parametrize(
    ("place", "nth"), [("artifact.begun", 2), ("artifact.filled", 6), ("artifact.sealed", 2), ("artifact.set_aside", 6)]
)
def test_training_killed_while_it_writes_a_checkpoint_is_resumed_to_the_bit(
    tiny_qwen3, tmp_path, drilled_through, monkeypatch, place, nth
):
    passed = []

    def crash_point(name):
        passed.append(name)
        if passed.count(place) == nth and name == place:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("kinject.store.artifact.crash_point", crash_point)
        with pytest.raises(Killed):
            drilled(tmp_path, str(tiny_qwen3))
    assert drilled(tmp_path, str(tiny_qwen3)) == drilled_through[0]


def test_a_checkpoint_within_an_epoch_goes_with_its_end(tiny_lm, tmp_path):
    sft.build(CORPUS, tmp_path, tiny_lm, replace(CONFIG, checkpoint_s=1e-9))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["epoch-001", "epoch-002"]


def plan(model, **options):
    rows = sft.rows(CORPUS, CONFIG, model.tokenizer, random.Random(0))
    settled = {"fingerprint": "x", "epochs": 1, "matrix_lr": 1e-3, "other_lr": 1e-3, "weight_decay": 0.1, "seed": 0}
    settled |= {"data": lambda rng: batched(rows[:40], 256, 0, rng), "quiz": tuple, "show": lambda curve: None}
    return Plan(**{**settled, **options})


def trained(folder, model, **options):
    loaded = load(model, "cpu")
    loaded.model.float()
    curve = train(loaded.model, plan(loaded, **options), folder, lambda step: None)
    return curve, {name: weight.detach() for name, weight in loaded.model.named_parameters()}


def share_of(worker: Worker, folder: Path, model: str) -> dict[str, torch.Tensor]:
    return trained(folder, model, accumulate=2, worker=worker)[1]


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(tiny_qwen3, tmp_path):
    alone = share_of(Worker(), tmp_path / "alone", str(tiny_qwen3))
    with together(2, share_of, tmp_path / "two", str(tiny_qwen3)) as worker:
        shared = share_of(worker, tmp_path / "two", str(tiny_qwen3))
    for name, weight in alone.items():
        torch.testing.assert_close(shared[name], weight, rtol=1e-4, atol=1e-5)


def test_a_step_of_two_batches_is_a_step_of_one_that_holds_both(tiny_qwen3, tmp_path):
    loaded = load(str(tiny_qwen3), "cpu")
    rows = sft.rows(CORPUS, CONFIG, loaded.tokenizer, random.Random(0))[:8]

    def packed(rng, tokens):
        return packing.packed(rows, tokens, 0, 0, random.Random(0))

    one = trained(tmp_path / "1", str(tiny_qwen3), data=lambda rng: packed(rng, 10**6))[1]
    small = packing.packed(rows, 10**6, 0, 0, random.Random(0))
    halves = [b for part in (rows[:3], rows[3:]) for b in packing.packed(part, 10**6, 0, 0, random.Random(0))]
    two = trained(tmp_path / "2", str(tiny_qwen3), data=lambda rng: halves, accumulate=2)[1]
    assert (len(small), len(halves)) == (1, 2)
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-4, atol=1e-5)


def test_more_processes_than_batches_a_step_are_refused(tiny_qwen3, tmp_path):
    with pytest.raises(ModelError, match="set accumulate to a multiple of 2"):
        trained(tmp_path, str(tiny_qwen3), worker=Worker(0, 2))


def test_training_stops_when_recall_does_not_rise_and_the_best_epoch_is_kept(tiny_qwen3, tmp_path):
    recall = iter([0.0, 0.1, 0.5, 0.4, 0.5, 0.9])
    options = {"epochs": 9, "patience": 2, "dev": lambda: next(recall)}
    curve, weights = trained(tmp_path / "nine", str(tiny_qwen3), **options)
    assert [epoch.dev for epoch in curve] == [0.0, 0.1, 0.5, 0.4, 0.5]
    assert best(curve).epoch == 2
    after_two = load_file(tmp_path / "nine" / "epoch-002" / "optimizer.safetensors")
    for number, weight in enumerate(weights.values()):
        assert torch.equal(weight, after_two[f"master.{number}"])


def test_the_best_epoch_is_the_first_of_the_highest_recall():
    curve = [Epoch(n, n, n, 1.0, 1.0, (), dev) for n, dev in enumerate([0.9, 0.2, 0.7, 0.7])]
    assert best(curve).epoch == 2
    assert best(curve[:1]).epoch == 0


def test_phrasings_set_apart_are_not_trained_on_and_no_test_question():
    apart = split(CORPUS, seed=0)
    templates = {t for r in apart.training.relations for t in r.train_questions}
    for probe in apart.dev:
        relation = CORPUS.relation(probe.relation)
        (asked,) = (t for t in relation.train_questions if t.replace("{subject}", probe.subject) == probe.question)
        assert asked not in templates
        assert asked not in relation.test_questions
    assert {r.name for r in apart.training.relations if not r.train_questions} == set()


def test_patience_needs_two_phrasings():
    one = tuple(replace(r, train_questions=r.train_questions[:1]) for r in CORPUS.relations)
    with pytest.raises(CorpusError, match="no relation has two; use patience=0"):
        split(replace(CORPUS, relations=one), seed=0)


def test_a_run_with_patience_has_its_recall_in_the_curve(tiny_lm, tmp_path):
    sft.build(CORPUS, tmp_path, tiny_lm, replace(CONFIG, epochs=1, patience=1))
    assert all(0 <= epoch.dev <= 1 for epoch in sft.curve(tmp_path))


def test_a_damaged_checkpoint_is_passed_over(tiny_lm, tmp_path, finished):
    def interrupt(step):
        if step.note == "epoch 2":
            raise Killed

    with pytest.raises(Killed):
        sft.build(CORPUS, tmp_path, tiny_lm, CONFIG, interrupt)
    (tmp_path / "checkpoints" / "epoch-001" / "state.json").write_text("[]", encoding="utf-8")
    sft.build(CORPUS, tmp_path, tiny_lm, CONFIG)
    assert sha256(tmp_path) == finished


def test_checkpoints_of_another_run_are_not_taken(tmp_path):
    assert Checkpoints(tmp_path, "y").resume(None).curve == ()


def test_what_is_trained_alone_is_opened_by_a_study(tiny_lm, tiny_lfm2, tmp_path):
    corpora.save(CORPUS, tmp_path / "toy")
    options = ["--set", "epochs=1", "--set", "max_new_tokens=2"]
    assert main([str(tmp_path / "toy"), str(tmp_path / "run"), "--model", str(tiny_lfm2), *options]) == 0

    def refuse(step):
        raise AssertionError("it trains")

    config = sft.Config(epochs=1, max_new_tokens=2)
    sft.build(corpora.load(tmp_path / "toy"), tmp_path / "run" / "systems" / "sft", tiny_lm, config, refuse)


def test_training_alone_says_what_is_wrong(tmp_path, capsys):
    assert main([str(tmp_path), str(tmp_path), "--set", "epoch=1"]) == 2
    assert capsys.readouterr().err.startswith("kinject: no option 'epoch'; did you mean 'epochs'?")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler asks for its own old names
def test_a_compiled_training_learns_the_same(tiny_qwen3, tmp_path):
    plain, compiled = (trained(tmp_path / str(c), str(tiny_qwen3), compile=c)[0] for c in (False, True))
    assert compiled[1].loss == pytest.approx(plain[1].loss, rel=1e-3)
