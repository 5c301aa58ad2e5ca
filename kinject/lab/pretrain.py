"""Pretrain mini from scratch on lessons: seeded, checkpointed, resumable, with a curriculum that follows mastery.

It decides nothing about what a lesson says (`lessons`) and measures nothing but the training batches (`exam`).
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import Lfm2Config, PreTrainedTokenizerFast, Qwen3Config
from transformers.models.auto.modeling_auto import AutoModelForCausalLM

from kinject.errors import OptionError
from kinject.lab import circuits, encoding, lessons, tokenizer
from kinject.lab.arguing import Stance
from kinject.lab.batches import Batch, collate, grouped
from kinject.lab.pointers import Recorder, placed
from kinject.lab.supply import Supply, supply
from kinject.lm.loading import MINI, find_dtype, find_folder, load
from kinject.lm.optim import MasterWeights, any_shape, linear
from kinject.lm.workers import Worker, together
from kinject.progress import Progress, Step, silent
from kinject.store import artifact_is, new_artifact, write_whole

# A PreTrainedModel, of which transformers leaves half the methods untyped.
Network = Any

_FLOOR = 0.02  # of the rates at the end
_SIZES = ("architecture", "layers", "width", "heads", "vocabulary", "feed_forward")
CURVE = "curve.jsonl"  # running scores by tokens read, a JSON object a line
_ROWS = 100  # of a finished model's curve, about
_MEMORY = 0.004  # share of one answer in the running score of its ability: batches of short lessons are easy ones


@dataclass(frozen=True)
class Config:
    """Everything that decides what mini becomes; the same values on the same machine give the same weights.

    Sizes are those of the mini that ships, and tokens about what it has read; the rest is for two cores, and its card
    says what was set otherwise.
    """

    architecture: str = "lfm2"  # lfm2 or qwen3: see the model card for their ability by CPU-hour
    layers: int = 8  # convolution and attention in turn: binding composes over several of them
    width: int = 320
    feed_forward: int = 3  # hidden width of the feed-forward layers, in widths
    heads: int = 4
    vocabulary: int = 4096
    tokens: int = 440_000_000  # non-padding tokens read in all
    workers: int = 2  # processes that share each step's work: one a core, or one an accelerator
    drawers: int = 0  # more processes that draw a worker's lessons; 0: it draws its own, which on two cores costs least
    batch_tokens: int = 3072  # padded tokens a step, over all workers
    longest: int = 1280  # lessons with more tokens are left out
    draw: int = 768  # lessons drawn at a time over all workers, and sorted by length into batches
    sample: int = 12_000  # lessons that the tokenizer is trained on
    matrix_lr: float = 1.2e-3
    other_lr: float = 2e-3  # of embeddings, norms and convolutions
    warmup: int = 100_000  # tokens over which the rates rise
    weight_decay: float = 0.1  # of matrices
    prompt_share: float = 0.05  # share of prompt tokens that are predicted too, for the language
    prompt_weight: float = 0.01  # of them all, beside 1 for the assistant's own: names are drawn, their loss is noise
    pointer_weight: float = 0.3  # weight of each loss of where to look and what is there, beside 1 for the tokens
    mastery: float = 0.6  # share of exact readings at the hardest level that opens the next one
    pace: float = 0.7  # share of the tokens by which the last level is open, mastered or not
    checkpoint_s: float = 300.0  # seconds between checkpoints
    start: str = ""  # mini or a folder of `pretrain`: go on from its weights and counters instead of from scratch
    stance: Stance = "neutral"  # how arguments without evidence end: hold or yield makes a model that studies compare
    compile: bool = False  # pays on accelerators; on two cores compiling costs more minutes than it saves
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= self.draw:
            raise ValueError(f"workers must be at least 1 and at most draw ({self.draw}), found {self.workers}")
        if self.drawers < 0 or (self.drawers and self.workers > 1):
            raise ValueError(f"drawers={self.drawers} go with workers=1, found workers={self.workers}")


def architecture(config: Config, pad: int, eos: int) -> Network:
    """A fresh model in float32 of a class that ships in transformers."""
    shared: dict[str, Any] = {
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "intermediate_size": config.feed_forward * config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.heads // 2,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
        "initializer_range": 0.06,
        "pad_token_id": pad,
        "bos_token_id": None,
        "eos_token_id": eos,
    }
    if config.architecture == "lfm2":
        kinds = ["full_attention" if i % 2 else "conv" for i in range(config.layers)]
        settings: Any = Lfm2Config(**shared, layer_types=kinds, block_auto_adjust_ff_dim=False, conv_L_cache=4)
    else:
        settings = Qwen3Config(**shared, head_dim=config.width // config.heads)
    model: Network = AutoModelForCausalLM.from_config(settings)  # type: ignore[no-untyped-call]
    if config.architecture == "lfm2":
        circuits.prepare(model)
    return model


def run(config: Config, out: Path, progress: Progress = silent) -> Path:
    """Train to `config.tokens` and write the model's folder to `out`; a killed run goes on from its last checkpoint."""
    work = out.with_name(out.name + ".work")
    if config.start:
        _state_before(config)  # says what is wrong before anything is written
    _claim(work, config)
    fast = _tokenizer(config, work)
    with together(config.workers, _train, config, work) as worker:
        model, state = _train(worker, config, work, progress)
    with new_artifact(out, _fingerprint(config)) as folder:
        model.to(torch.bfloat16).save_pretrained(folder, safe_serialization=True)  # whatever it was trained in
        fast.save_pretrained(folder)
        write_whole(folder / "recipe.json", json.dumps({"config": asdict(config), "state": state.reached()}, indent=1))
        write_whole(folder / CURVE, "".join(_thinned(config, work)))
    return out


def _train(worker: Worker, config: Config, work: Path, progress: Progress = silent) -> tuple[Network, "_State"]:
    """What every worker does; the first one also writes the checkpoints and the curve."""
    device = torch.device(worker.device())
    torch.manual_seed(config.seed)
    fast = _tokenizer(config, work)
    model = _model(config, fast, device)
    optimizer = MasterWeights(model, config.matrix_lr, config.other_lr, config.weight_decay)
    state, before = _resume(work, config, optimizer), _tokens_before(config)
    forward = torch.compile(model.model, dynamic=True) if config.compile else model.model
    recorder = Recorder(model)
    learn = partial(_backward, model, forward, recorder, config)
    saved = time.monotonic()

    def step(read: int) -> None:
        rate = linear(read - before, config.tokens - before, warmup=config.warmup, floor=_FLOOR)
        optimizer.step(rate, average=worker.average)

    draw = partial(_draw, config, work, worker.rank, worker.size)
    with any_shape(model), supply(draw, config.drawers) as drawn:
        for number, level in enumerate(state.asked, start=state.draws):
            drawn.ask(number, level)
        while state.tokens < config.tokens:
            began = time.monotonic()
            state.ask(drawn)
            for outcomes in _steps(worker, drawn.take(), learn, step, state.tokens):
                for one in outcomes:
                    state.advance(one, state.asked[0], config)
                state.steps += 1
            state.draws, state.asked = state.draws + 1, state.asked[1:]
            state.seconds += time.monotonic() - began
            if worker.leads:
                with (work / CURVE).open("a", encoding="utf-8") as curve:
                    curve.write(json.dumps(state.reached()) + "\n")
                if time.monotonic() - saved > config.checkpoint_s:
                    _save(work, config, optimizer, state)
                    saved = time.monotonic()
            progress(Step("pretrain", min(state.tokens, config.tokens), config.tokens, state.note()))
    if worker.leads:
        _save(work, config, optimizer, state)
    recorder.close()
    return model, state


def _model(config: Config, fast: PreTrainedTokenizerFast, device: torch.device) -> Network:
    model: Network
    if config.start:
        model = load(config.start, "cpu").model
    else:
        model = architecture(config, fast.pad_token_id, fast.eos_token_id)
    for weight in model.parameters():
        # Weights alone: frequencies of rotary embeddings that are rounded to bf16 turn late positions by radians.
        weight.data = weight.data.to(find_dtype(device))
    return model.to(device).train()


def _steps(
    worker: Worker, batches: list[Batch], learn: Callable[[Batch], "_Unsettled"], step: Callable[[int], None], read: int
) -> Iterator[tuple["_Outcome", ...]]:
    """A step a batch, for as many as every worker has; what all workers' batches said, a step.

    `step` is told the tokens that have been read before it, by all workers: `read` and what came since.
    """
    found = []
    for batch, *tokens in zip(batches, *worker.gather([b.tokens for b in batches]), strict=False):
        found.append(learn(batch))
        step(read)
        read += sum(tokens)
    yield from zip(*worker.gather([one.settled() for one in found]), strict=True)


class _State:
    """Where training stands: counters, the curriculum's level and running scores."""

    def __init__(self) -> None:
        self.draws, self.steps, self.tokens, self.level, self.since_level, self.loss = 0, 0, 0, 0, 0, 9.0
        self.pointing, self.naming, self.seconds = 9.0, 9.0, 0.0
        self.exact: dict[str, float] = {}
        self.asked: list[int] = []  # levels of the draws to come that have been asked for

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def reached(self) -> dict[str, Any]:
        """Without what is under way, which only a resume needs."""
        return {name: value for name, value in vars(self).items() if name != "asked"}

    def ask(self, drawn: Supply) -> None:
        """Ask for the draws to come, at the level of now."""
        for number in range(self.draws + len(self.asked), self.draws + drawn.ahead):
            drawn.ask(number, self.level)
            self.asked.append(self.level)

    def advance(self, outcome: "_Outcome", level: int, config: Config) -> None:
        """Take in what a batch of this level said. Only those of the level that is open tell whether it is mastered."""
        self.tokens += outcome.tokens
        self.since_level += level == self.level
        self.loss += 0.02 * (outcome.loss - self.loss)
        self.pointing += 0.02 * (outcome.pointing - self.pointing)
        self.naming += 0.02 * (outcome.naming - self.naming)
        for ability, right in outcome.exact:
            self.exact[ability] = self.exact.get(ability, 0.0) + _MEMORY * (right - self.exact.get(ability, 0.0))
        top = len(lessons.LEVELS) - 1
        mastered = self.since_level > 60 and self.exact.get("reading", 0.0) > config.mastery
        late = self.tokens > config.tokens * config.pace * (self.level + 1) / top
        if self.level < top and (mastered or late):
            self.level, self.since_level = self.level + 1, 0

    def note(self) -> str:
        scores = " ".join(f"{k}={v:.2f}" for k, v in sorted(self.exact.items()))
        return f"level {self.level} loss {self.loss:.3f} pointing {self.pointing:.3f} naming {self.naming:.3f} {scores}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one batch said; whether each lesson's final answer was right, token by token."""

    loss: float
    pointing: float
    naming: float
    exact: list[tuple[str, bool]]
    tokens: int


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """The same while an accelerator may still compute it: to read it at each step would be to wait for each."""

    losses: torch.Tensor  # [3]: of tokens, of where to look, of what is there
    right: torch.Tensor  # [predictions]
    batch: Batch

    def settled(self) -> _Outcome:
        right = self.right.tolist()
        exact = [(ability, all(right[i:j])) for ability, i, j in self.batch.answers]
        loss, pointing, naming = self.losses.tolist()
        return _Outcome(loss, pointing, naming, exact, self.batch.tokens)


def _backward(model: Network, forward: Any, recorder: Recorder, config: Config, batch: Batch) -> _Unsettled:
    device = model.device
    hidden = forward(input_ids=placed(batch.ids, device), use_cache=False).last_hidden_state
    # Logits only where a token is predicted: the full [rows, length, vocabulary] tensor would cost more than the model.
    picked = hidden.flatten(0, 1).index_select(0, placed(batch.positions, device))
    logits = model.get_output_embeddings()(picked).float()
    targets = placed(batch.targets, device)
    losses = F.cross_entropy(logits, targets, reduction="none")
    weights = placed(batch.weights, device)
    loss = (losses * weights).sum() / weights.sum()
    pointing = recorder.loss(batch.supervision)
    naming = recorder.naming(batch.supervision.names)
    (loss + config.pointer_weight * (pointing + naming)).backward()  # type: ignore[no-untyped-call]
    three = torch.stack([loss.detach(), pointing.detach(), naming.detach()])
    return _Unsettled(three, logits.detach().argmax(-1) == targets, batch)


def _draw(config: Config, work: Path, rank: int, size: int, number: int, level: int) -> list[Batch]:
    """A worker's next batches, of lessons at the curriculum's level.

    They depend on the seed, the level, the worker and the number of draws alone: a resumed run sees what it would have
    seen.
    """
    fast = _saved_tokenizer(work)
    rng = random.Random(f"{config.seed}/{number}/{rank}")
    levels = [level if rng.random() < 0.7 else rng.randint(0, level) for _ in range(config.draw // size)]
    encoded = encoding.encode(fast.backend_tokenizer, [lessons.draw(rng, at, stance=config.stance) for at in levels])
    groups = grouped(encoded, config.batch_tokens // size, config.longest)
    rng.shuffle(groups)
    return [collate(rng, group, fast.pad_token_id, config.prompt_weight, config.prompt_share) for group in groups]


def _tokenizer(config: Config, work: Path) -> PreTrainedTokenizerFast:
    folder = work / "tokenizer"
    if not folder.exists():
        if config.start:
            trained = load(config.start, "cpu").tokenizer
        else:
            trained = tokenizer.train(config.vocabulary, config.seed, MINI / "chat_template.jinja", config.sample)
        trained.save_pretrained(folder)
    return _saved_tokenizer(work)


def _saved_tokenizer(work: Path) -> PreTrainedTokenizerFast:
    fast: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(work / "tokenizer")
    return fast


def _claim(work: Path, config: Config) -> None:
    """Make the folder of a training's checkpoints; one of another training is left as it is."""
    claim = work / "training.json"
    if claim.is_file() and claim.read_text(encoding="utf-8") != _fingerprint(config):
        raise OptionError(f"{work} is of another training, with other options; remove it or give another --out")
    work.mkdir(parents=True, exist_ok=True)
    write_whole(claim, _fingerprint(config))


def _state_before(config: Config) -> dict[str, Any]:
    """Where the model to go on from stands. One of other sizes would be recorded as what it is not."""
    recipe = find_folder(config.start) / "recipe.json"
    if not recipe.is_file():
        raise OptionError(f"start={config.start}: found no {recipe}; give mini or a folder that pretrain wrote")
    try:
        made = json.loads(recipe.read_text(encoding="utf-8"))
        sizes = {name: made["config"][name] for name in _SIZES}
        state: dict[str, Any] = made["state"]
        read = int(state["tokens"])
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(f"start={config.start}: {recipe} is not a recipe that pretrain wrote ({error!r})") from error
    for name, size in sizes.items():
        if size != getattr(config, name):
            raise OptionError(
                f"start={config.start} has {name}={size}, found {name}={getattr(config, name)}; give it the same"
            )
    if read >= config.tokens:
        raise OptionError(f"start={config.start} has read {read} tokens, found tokens={config.tokens}; give it more")
    return state


def _thinned(config: Config, work: Path) -> Iterator[str]:
    """The curve of the model that this one went on from and its own, a row every so many tokens, and the last."""
    folders = [*([find_folder(config.start)] if config.start else []), work]
    curves = [folder / CURVE for folder in folders if (folder / CURVE).is_file()]
    rows = [line for curve in curves for line in curve.read_text(encoding="utf-8").splitlines(keepends=True)]
    reached = 0
    for n, row in enumerate(rows, start=1):
        if (tokens := json.loads(row)["tokens"]) >= reached or n == len(rows):
            yield row
            reached = tokens + config.tokens // _ROWS


def _tokens_before(config: Config) -> int:
    """The tokens that the model to go on from has read: rates rise and fall over what comes after."""
    return int(_state_before(config)["tokens"]) if config.start else 0


def _fingerprint(config: Config) -> str:
    """What a checkpoint must agree on to be resumed. A schedule may be changed on the way."""
    kept = {name: getattr(config, name) for name in (*_SIZES, "seed", "start", "stance")}
    return json.dumps({"optimizer": "adamw"} | kept, sort_keys=True)


def _save(work: Path, config: Config, optimizer: MasterWeights, state: _State) -> None:
    with new_artifact(work / "checkpoint", _fingerprint(config)) as folder:
        save_file(optimizer.tensors(), folder / "optimizer.safetensors")
        write_whole(folder / "state.json", json.dumps(state.as_dict()))


def _resume(work: Path, config: Config, optimizer: MasterWeights) -> _State:
    state, folder = _State(), work / "checkpoint"
    if config.start:
        vars(state).update(_state_before(config))
    if artifact_is(folder, _fingerprint(config)):
        optimizer.load(load_file(folder / "optimizer.safetensors"))
        vars(state).update(json.loads((folder / "state.json").read_text(encoding="utf-8")))
    return state
