"""The facts are trained into the weights: multi-epoch supervised fine-tuning, of all weights or of a LoRA adapter.

Trains on documents, on training questions with their answers and on facts in the words of an answer, with nothing in
context. Test questions are asked after each epoch for the curve, and decide nothing: early stopping, where it is asked
for, looks at training phrasings that were set apart.
"""

from pathlib import Path

from kinject.corpus import Corpus
from kinject.lm.base import LM
from kinject.progress import Progress, silent
from kinject.store import read_sealed
from kinject.systems.sft import methods
from kinject.systems.sft.capacity import diagnose
from kinject.systems.sft.checkpoints import Epoch, epochs
from kinject.systems.sft.config import Config
from kinject.systems.sft.mix import examples, rows
from kinject.systems.sft.quiz import quiz
from kinject.systems.sft.refresh import is_trained, update
from kinject.systems.sft.training import CURVE, MODEL, answering, learn
from kinject.types import System

__all__ = ["Config", "Epoch", "build", "curve", "diagnose", "examples", "quiz", "rows", "update"]

NEEDS_WEIGHTS = True  # a study of a remote model leaves it out


def build(corpus: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent) -> System:
    """Train, or go on with the training that `store` holds; `store/model` is the result.

    Raises ModelError for a model whose weights are not on this machine.
    """
    local = methods.trainable(model, "sft", adapter=config.method == "lora")
    if not is_trained(corpus, store, local, config):
        learn(corpus, store, local, config, progress)
    return answering(store / MODEL, local, config)


def curve(store: Path) -> tuple[Epoch, ...]:
    """The epochs that are finished, the untrained model first; answers are in the order of `quiz`."""
    path = store / CURVE
    return epochs(read_sealed(path)["epochs"]) if path.exists() else ()
