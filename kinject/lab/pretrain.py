"""Pretrain mini from scratch on lessons: seeded, checkpointed, resumable, with a curriculum that follows mastery.

It decides nothing about what a lesson says (`lessons`) and measures nothing but the training batches (`exam`).
"""

import json
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import Lfm2Config, PreTrainedTokenizerFast, Qwen3Config
from transformers.models.auto.modeling_auto import AutoModelForCausalLM

from kinject.lab import circuits, encoding, lessons, pointers, tokenizer
from kinject.lab.encoding import Encoded
from kinject.lab.pointers import Recorder, Supervision
from kinject.lm.optim import MasterWeights, one_cycle
from kinject.progress import Progress, Step, silent
from kinject.store import artifact_is, new_artifact, write_whole

# A PreTrainedModel, of which transformers leaves half the methods untyped.
Network = Any


@dataclass(frozen=True)
class Config:
    """Everything that decides what mini becomes; the same values on the same machine give the same weights."""

    architecture: str = "lfm2"  # lfm2 or qwen3: see the model card for their ability by CPU-hour
    layers: int = 6  # convolution and attention in turn: binding composes over several of them
    width: int = 256
    feed_forward: int = 3  # hidden width of the feed-forward layers, in widths
    heads: int = 4
    vocabulary: int = 4096
    tokens: int = 30_000_000  # non-padding tokens read in all
    batch_tokens: int = 3072  # padded tokens a step
    longest: int = 1024  # lessons with more tokens are left out
    draw: int = 384  # lessons drawn at a time, and sorted by length into batches
    sample: int = 12_000  # lessons that the tokenizer is trained on
    matrix_lr: float = 2e-3  # Muon; at 4e-3 its noise hides what has been learnt until the rate decays
    other_lr: float = 2e-3  # AdamW: embeddings, norms, convolutions
    weight_decay: float = 1.0  # of matrices: without it their outputs grow until token identity drowns in bf16
    prompt_share: float = 0.15  # share of prompt tokens that are predicted too, for the language
    first_prompt_weight: float = 0.05  # their weight beside 1 for the assistant's own tokens, while copying is learnt
    prompt_weight: float = 0.05  # the same from the second level on
    pointer_weight: float = 0.3  # weight of the attention's loss beside 1 for that of the tokens
    mastery: float = 0.65  # share of exact readings at the hardest level that opens the next one
    pace: float = 0.7  # share of the tokens by which the last level is open, mastered or not
    checkpoint_s: float = 300.0  # seconds between checkpoints
    compile: bool = False  # pays on accelerators; on two cores compiling costs more minutes than it saves
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded ids [rows, length]; the flat positions whose next token is predicted, with targets and weights."""

    ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    supervision: Supervision
    answers: tuple[tuple[str, int, int], ...]  # ability and the slice of `positions` that is the final answer
    tokens: int


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
    torch.manual_seed(config.seed)
    work = out.with_name(out.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    fast = _tokenizer(config, work)
    model = architecture(config, fast.pad_token_id, fast.eos_token_id)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device=device, dtype=torch.bfloat16).train()
    optimizer = MasterWeights(model, config.matrix_lr, config.other_lr, config.weight_decay)
    state = _resume(work, config, optimizer)
    forward = torch.compile(model.model, dynamic=True) if config.compile else model.model
    recorder = Recorder(model)
    saved = time.monotonic()
    while state.tokens < config.tokens:
        for batch in _draw(config, fast, state):
            state.advance(batch, _step(model, forward, recorder, optimizer, batch, state, config), config)
        state.draws += 1
        with (work / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(state.as_dict()) + "\n")
        if time.monotonic() - saved > config.checkpoint_s:
            _save(work, config, optimizer, state)
            saved = time.monotonic()
        progress(Step("pretrain", min(state.tokens, config.tokens), config.tokens, state.note()))
    _save(work, config, optimizer, state)
    recorder.close()
    with new_artifact(out, _fingerprint(config)) as folder:
        model.save_pretrained(folder, safe_serialization=True)
        fast.save_pretrained(folder)
        write_whole(folder / "recipe.json", json.dumps({"config": asdict(config), "state": state.as_dict()}, indent=1))
    return out


class _State:
    """Where training stands: counters, the curriculum's level and running scores."""

    def __init__(self) -> None:
        self.draws, self.steps, self.tokens, self.level, self.since_level, self.loss = 0, 0, 0, 0, 0, 9.0
        self.pointing = 9.0
        self.exact: dict[str, float] = {}

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def advance(self, batch: Batch, outcome: "_Outcome", config: Config) -> None:
        self.steps += 1
        self.tokens += batch.tokens
        self.since_level += 1
        self.loss += 0.02 * (outcome.loss - self.loss)
        self.pointing += 0.02 * (outcome.pointing - self.pointing)
        for ability, right in outcome.exact:
            self.exact[ability] = self.exact.get(ability, 0.0) + 0.01 * (right - self.exact.get(ability, 0.0))
        top = len(lessons.LEVELS) - 1
        mastered = self.since_level > 60 and self.exact.get("reading", 0.0) > config.mastery
        late = self.tokens > config.tokens * config.pace * (self.level + 1) / top
        if self.level < top and (mastered or late):
            self.level, self.since_level = self.level + 1, 0

    def note(self) -> str:
        scores = " ".join(f"{k}={v:.2f}" for k, v in sorted(self.exact.items()))
        return f"level {self.level} loss {self.loss:.3f} pointing {self.pointing:.3f} {scores}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    loss: float
    pointing: float
    exact: list[tuple[str, bool]]


def _step(
    model: Network,
    forward: Any,
    recorder: Recorder,
    optimizer: MasterWeights,
    batch: Batch,
    state: _State,
    config: Config,
) -> _Outcome:
    device = model.device
    hidden = forward(input_ids=batch.ids.to(device), use_cache=False).last_hidden_state
    # Logits only where a token is predicted: the full [rows, length, vocabulary] tensor would cost more than the model.
    picked = hidden.flatten(0, 1)[batch.positions.to(device)]
    logits = model.get_output_embeddings()(picked).float()
    targets = batch.targets.to(device)
    losses = F.cross_entropy(logits, targets, reduction="none")
    weights = batch.weights.to(device)
    loss = (losses * weights).sum() / weights.sum()
    pointing = recorder.loss(batch.supervision)
    (loss + config.pointer_weight * pointing).backward()  # type: ignore[no-untyped-call]
    optimizer.step(one_cycle(state.tokens, config.tokens, warmup=150_000, floor=0.02))
    right = (logits.detach().argmax(-1) == targets).cpu()
    return _Outcome(
        float(loss.detach()), float(pointing.detach()), [(a, bool(right[i:j].all())) for a, i, j in batch.answers]
    )


def _draw(config: Config, fast: PreTrainedTokenizerFast, state: _State) -> list[Batch]:
    """The next batches: lessons at the curriculum's level, in groups of about equal length and padded size.

    They depend on the seed, the level and the number of draws alone: a resumed run sees what it would have seen.
    """
    rng = random.Random(f"{config.seed}/{state.draws}")
    levels = [state.level if rng.random() < 0.7 else rng.randint(0, state.level) for _ in range(config.draw)]
    drawn = encoding.encode(fast.backend_tokenizer, [lessons.draw(rng, level) for level in levels])
    fitting = sorted((e for e in drawn if len(e.ids) <= config.longest), key=lambda e: len(e.ids))
    groups: list[list[Encoded]] = [[]]
    for e in fitting:
        if (len(groups[-1]) + 1) * len(e.ids) > config.batch_tokens and groups[-1]:
            groups.append([])
        groups[-1].append(e)
    rng.shuffle(groups)
    weight = config.prompt_weight if state.level else config.first_prompt_weight
    return [_collate(rng, group, fast.pad_token_id, weight, config.prompt_share) for group in groups]


def _collate(rng: random.Random, group: list[Encoded], pad: int, weight: float, share: float) -> Batch:
    longest = -(-max(len(e.ids) for e in group) // 32) * 32
    ids = torch.full((len(group), longest), pad)
    positions: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    answers: list[tuple[str, int, int]] = []
    for row, e in enumerate(group):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        first = len(positions)
        for t in range(1, len(e.ids)):
            if e.learnt[t] or rng.random() < share:
                if e.final[t] and not e.final[t - 1]:
                    first = len(positions)
                positions.append(row * longest + t - 1)
                targets.append(e.ids[t])
                weights.append(1.0 if e.learnt[t] else weight / share)
        finals = sum(e.final)
        answers.append((e.ability, first, first + finals))
    return Batch(
        ids,
        torch.tensor(positions),
        torch.tensor(targets),
        torch.tensor(weights),
        pointers.collate(group, longest),
        tuple(answers),
        sum(len(e.ids) for e in group),
    )


def _tokenizer(config: Config, work: Path) -> PreTrainedTokenizerFast:
    template = Path(__file__).parent.parent / "lm" / "mini" / "chat_template.jinja"
    folder = work / "tokenizer"
    if not folder.exists():
        tokenizer.train(config.vocabulary, config.seed, template, config.sample).save_pretrained(folder)
    fast: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return fast


def _fingerprint(config: Config) -> str:
    """What a checkpoint must agree on to be resumed: the model and the seed. A schedule may be changed on the way."""
    kept = ("architecture", "layers", "width", "heads", "vocabulary", "seed", "feed_forward")
    return json.dumps({k: v for k, v in asdict(config).items() if k in kept}, sort_keys=True)


def _save(work: Path, config: Config, optimizer: MasterWeights, state: _State) -> None:
    with new_artifact(work / "checkpoint", _fingerprint(config)) as folder:
        save_file(optimizer.tensors(), folder / "optimizer.safetensors")
        write_whole(folder / "state.json", json.dumps(state.as_dict()))


def _resume(work: Path, config: Config, optimizer: MasterWeights) -> _State:
    state, folder = _State(), work / "checkpoint"
    if artifact_is(folder, _fingerprint(config)):
        optimizer.load(load_file(folder / "optimizer.safetensors"))
        vars(state).update(json.loads((folder / "state.json").read_text(encoding="utf-8")))
    return state
