"""Data-parallel training on one machine: processes that average their gradients after each step.

On two cores two processes of one thread each read more tokens a second than one process of two threads, because
drawing lessons and the many small operations between matrix products use one core anyway. The same serves several GPUs.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import multiprocessing

T = TypeVar("T")

_LAST_WORDS_S = 10.0


@dataclass(frozen=True, slots=True)
class Worker:
    """One of `size` processes that take every step together; alone it is the whole team."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def device(self) -> str:
        return f"cuda:{self.rank % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace the tensors, in place, by their means over the team."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        for tensor, mean in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def gather(self, item: T) -> list[T]:
        """Everybody's item, in the order of ranks."""
        if self.size == 1:
            return [item]
        found: list[T] = [item] * self.size
        dist.all_gather_object(found, item)
        return found


def whose() -> Worker:
    """This process's part where it was started as one of several, as `accelerate launch` does; else it is alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if not dist.is_initialized():
        if size == 1:
            return Worker()
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        if torch.cuda.is_available():
            torch.cuda.set_device(dist.get_rank() % torch.cuda.device_count())
    return Worker(dist.get_rank(), dist.get_world_size())


@contextmanager
def together(size: int, work: Callable[..., object], *args: object) -> Iterator[Worker]:
    """This process as the first of `size`, while the others run `work(worker, *args)`; they end with the block.

    `work` and its arguments have to be picklable. An error in one process ends them all.
    """
    if size == 1:
        yield Worker()
        return
    threads = torch.get_num_threads()
    share = max(1, threads // size)
    with tempfile.TemporaryDirectory(prefix="kinject-workers-") as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        spawn = multiprocessing.get_context("spawn")
        others = [
            spawn.Process(target=_join, args=(Worker(rank, size), share, meeting, os.getpid(), work, args), daemon=True)
            for rank in range(1, size)
        ]
        for other in others:
            other.start()
        try:
            torch.set_num_threads(share)
            dist.init_process_group("gloo", init_method=meeting, rank=0, world_size=size)
            yield Worker(0, size)
            for other in others:
                other.join()
        except RuntimeError:
            for other in others:  # where another one failed, it says why before it is ended
                other.join(_LAST_WORDS_S)
            raise
        finally:
            torch.set_num_threads(threads)
            for other in others:
                other.terminate()
            if dist.is_initialized():
                dist.destroy_process_group()


def _join(
    worker: Worker, threads: int, meeting: str, parent: int, work: Callable[..., object], args: tuple[object, ...]
) -> None:
    torch.set_num_threads(threads)
    dist.init_process_group("gloo", init_method=meeting, rank=worker.rank, world_size=worker.size)
    try:
        work(worker, *args)
    except RuntimeError:
        # Without the first process there is nobody to tell: a killed run takes its workers along.
        if os.getppid() == parent:
            raise
    finally:
        dist.destroy_process_group()
