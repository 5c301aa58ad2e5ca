"""One thread computes, whoever asks for it: a second one's team of OpenMP threads would slow the first."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kinject.errors import ModelError
from kinject.lm import open_model
from kinject.lm.base import Chat
from kinject.lm.compute import computes
from kinject.lm.prompts import dialogue
from kinject.systems import rag, sft


@computes
def thread() -> int:
    return threading.get_ident()


def test_many_callers_share_one_thread():
    with ThreadPoolExecutor(4) as pool:
        found = {future.result() for future in [pool.submit(thread) for _ in range(20)]}
    assert len(found) == 1
    assert found != {threading.get_ident()}


def test_what_computes_may_call_what_computes():
    assert computes(thread)() == thread()


def test_an_error_reaches_its_caller_and_harms_nobody_else():
    @computes
    def fails() -> None:
        raise ModelError("no weights")

    with pytest.raises(ModelError, match="no weights"):
        fails()
    assert thread()


def test_loading_answering_training_and_embedding_compute_there(toy_corpus, tiny_lfm2, tmp_path, monkeypatch):
    """Seen from inside: torch's own entry to every module of a model."""
    import torch

    seen: set[int] = set()
    call = torch.nn.Module._call_impl

    def noted(self, *args, **kwargs):
        seen.add(threading.get_ident())
        return call(self, *args, **kwargs)

    monkeypatch.setattr(torch.nn.Module, "_call_impl", noted)
    model = open_model(str(tiny_lfm2))
    model.complete(Chat(dialogue("What is it?")))
    sft.build(toy_corpus, tmp_path / "sft", model, sft.Config(epochs=1)).ask("What is it?")
    rag.build(toy_corpus, tmp_path / "rag", model, rag.Config()).ask("What is it?")
    assert seen == {thread()}
