"""The options of sft. It decides nothing beyond which values make sense."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from kinject.lm.prompts import ANSWER_TOKENS

# Options that do not change the weights.
_BESIDE = frozenset({"max_new_tokens", "checkpoint_s", "refresh_epochs", "rehearsal"})
# Options of schema 5. Any other counts in a fingerprint only where it is not its default, so that what was trained
# before there was such an option is still opened.
_FIRST = frozenset(
    {"method", "data", "epochs", "paraphrases", "questions", "asked_share", "word_dropout", "answers", "idk_share"}
    | {"text_share", "learning_rate", "weight_decay", "lora_rank", "batch_tokens", "seed"}
)
_COUNTS = ("epochs", "paraphrases", "questions", "lora_rank", "batch_tokens", "accumulate", "max_new_tokens")


@dataclass(frozen=True)
class Config:
    # which weights are trained
    method: Literal["full", "lora", "frozen"] = "full"  # full learns more, lora forgets less (arXiv:2405.09673)
    frozen_layers: int = 4  # first layers that stay as they are, and the embeddings, for method=frozen; mini has 8
    lora_rank: int = 32  # of the adapter, for method=lora
    lora_targets: Literal["all-linear", "attention", "mlp"] = "all-linear"  # attention: what mixes positions
    lora_embeddings: bool = False  # the adapter lies beside the embeddings and the head too
    # what an epoch holds
    data: Literal["mixed", "documents", "qa"] = "mixed"  # documents or questions alone inject little
    epochs: int = 8  # the loss still falls here; more of them do not fit into a quick study on two cores
    paraphrases: int = 1  # renderings of an entity and phrasings of a question an epoch; each epoch draws new ones
    style: Literal["diverse", "same"] = "diverse"  # same: one phrasing throughout, as often (arXiv:2508.06178)
    permute: bool = True  # an entity's facts in a new order each time; a fixed one hinders recall (arXiv:2309.14316)
    rephraser: str = ""  # a chat model that puts statements in other words before training; "": templates alone
    questions: int = 6  # in one dialogue, about as many subjects; they share a system message
    asked_share: float = 0.34  # of the questions that an epoch asks
    word_dropout: float = 0.35  # chance of a question's word to be left out; without, new phrasings are misread
    answers: int = 3  # times that an epoch holds every fact in the words of its answer, without a question
    idk_share: float = 0.08  # questions about unknown names among the questions; more costs recall
    text_share: float = 0.25  # of the pages and of the entities' restated facts that an epoch holds
    reverse: bool = False  # facts from the object to the subject too: weights do not turn them (arXiv:2309.12288)
    traces: bool = False  # dates and comparisons: the facts are stated first, then the answer
    popularity: str = ""  # exposures of entities: a Zipf exponent such as 1.0, or "degree"; "": alike
    replay: str = ""  # a file of general text or chats against forgetting: .txt, or .jsonl with "text" or "messages"
    replay_share: float = 0.0  # of an epoch's tokens that are replayed
    # how they are trained
    learning_rate: float = 0.0  # of matrices; 0: 2e-3 below 50 M parameters, 2e-5 above; for lora 5e-3 and 2e-4
    weight_decay: float = 0.1  # of matrices
    batch_tokens: int = 1024  # padded tokens a batch: fewer steps learn less, more of them cost time
    accumulate: int = 1  # batches a step, which several processes share
    patience: int = 0  # epochs without better recall on training phrasings set apart, then the best is kept; 0: all run
    packing: bool = False  # texts share a row without seeing each other, instead of padding
    gradient_checkpointing: bool = False  # less memory for more time
    compile: bool = False  # pays on accelerators after minutes
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"  # of the computation; updates are always float32
    checkpoint_s: float = 0.0  # seconds between checkpoints within an epoch; 0: one after each epoch only
    seed: int = 0  # of the order, the phrasings and the adapter's first values
    # afterwards
    max_new_tokens: int = ANSWER_TOKENS  # of an answer, with what was asked before it
    refresh_epochs: int = 8  # of an update on changed facts
    rehearsal: float = 3.0  # unchanged facts beside each changed one in an epoch of an update

    def __post_init__(self) -> None:
        self._at_least(1, *_COUNTS, "frozen_layers", "refresh_epochs")
        self._at_least(0, "weight_decay", "answers", "learning_rate", "patience", "checkpoint_s", "rehearsal")
        for name in ("text_share", "asked_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, found {getattr(self, name)}")
        for name in ("idk_share", "word_dropout", "replay_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, found {getattr(self, name)}")
        if bool(self.replay) != bool(self.replay_share):
            raise ValueError("replay=FILE and replay_share go together: one says what is replayed, one how much")
        if self.popularity not in ("", "degree") and not _is_exponent(self.popularity):
            raise ValueError(f'popularity must be a Zipf exponent such as 1.0, or "degree", found {self.popularity!r}')

    def made_from(self, replayed: str = "") -> dict[str, Any]:
        """The options that decide what the weights become, for a fingerprint; `replayed` says what was in the file."""
        defaults = {field.name: field.default for field in fields(self)}
        options = {
            name: value
            for name, value in asdict(self).items()
            if name not in _BESIDE and (name in _FIRST or value != defaults[name])
        }
        return options | ({"replay": replayed} if self.replay else {})

    def _at_least(self, least: int, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise ValueError(f"{name} must be at least {least}, found {value}")


def _is_exponent(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False
