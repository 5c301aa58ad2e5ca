"""Training alone, for several processes: `accelerate launch --num_processes 2 -m kinject.systems.sft CORPUS OUT`.

The processes share the batches of each step (`--set accumulate=2`), and the first one writes OUT/systems/sft. A study
of the same corpus, model and options in OUT then opens what was trained.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch.distributed as dist

from kinject import corpus
from kinject.errors import KinjectError
from kinject.lm import open_model
from kinject.lm.workers import whose
from kinject.options import fill
from kinject.store import lock
from kinject.systems import sft


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="kinject.systems.sft", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("corpus", type=Path, help="folder of a corpus")
    parser.add_argument("out", type=Path, help="folder of the run")
    parser.add_argument("--model", default="mini", help="mini, a folder or a Hugging Face id")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="of sft; may be repeated")
    options = parser.parse_args(argv)
    worker = whose()
    try:
        config = fill(sft.Config, options.set)
        model = open_model(options.model, device=worker.device() if worker.size > 1 else "auto")
        with lock(options.out) if worker.leads else nullcontext():
            sft.build(corpus.load(options.corpus), options.out / "systems" / "sft", model, config)
    except KinjectError as error:
        sys.stderr.write(f"kinject: {error}\n")
        return 2
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main())
