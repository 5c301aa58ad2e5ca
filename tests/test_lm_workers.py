"""Workers take every step together, and end together."""

import pytest
import torch

from kinject.lm.workers import Worker, together


def exchange(worker: Worker) -> tuple[list[int], list[torch.Tensor]]:
    tensors = [torch.full((2, 3), float(worker.rank)), torch.tensor([4.0 * worker.rank])]
    worker.average(tensors)
    return worker.gather(worker.rank), tensors


def fail(worker: Worker) -> None:
    raise ValueError(f"worker {worker.rank} is broken")


def test_alone_there_is_nothing_to_exchange():
    with together(1, exchange) as worker:
        ranks, tensors = exchange(worker)
    assert worker.leads
    assert ranks == [0]
    assert torch.equal(tensors[0], torch.zeros(2, 3))


def test_two_workers_average_their_tensors_and_gather_their_items():
    with together(2, exchange) as worker:
        ranks, tensors = exchange(worker)
    assert ranks == [0, 1]
    assert torch.equal(tensors[0], torch.full((2, 3), 0.5))
    assert torch.equal(tensors[1], torch.tensor([2.0]))


def test_an_error_in_another_worker_ends_this_one_too(capfd):
    with pytest.raises(RuntimeError), together(2, fail) as worker:
        worker.gather(worker.rank)
    assert "worker 1 is broken" in capfd.readouterr().err


def test_an_error_in_this_worker_ends_the_others():
    with pytest.raises(KeyboardInterrupt), together(2, exchange):
        raise KeyboardInterrupt
