"""A causal language model on this machine, behind the queue through which every caller reaches it.

Decodes greedily, or draws where `sampling` says so. Does not train, and does not know what is asked or why.
"""

import hashlib
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from torch import cuda
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kinject.errors import CalledOffError, KinjectError, ModelError, PromptTooLongError
from kinject.lm import calling_off, lockstep, sampling, speaking, watching
from kinject.lm.adapters import BASE, AdaptedModel
from kinject.lm.base import Chat, Completion, Finish, ModelInfo, ToolSpec, are_valid
from kinject.lm.batching import Awaited, BatchingQueue, Job, Limits
from kinject.lm.beginnings import Ids
from kinject.lm.compute import computes
from kinject.lm.decoding import Forced, Generated, Prompt, generate, score
from kinject.lm.encoding import ChatEncoder
from kinject.lm.grammar import ToolGrammar
from kinject.lm.listening import note
from kinject.lm.loading import Loaded, fingerprint
from kinject.lm.lockstep import Cohort
from kinject.lm.prefill import Prefiller
from kinject.lm.reading import Read, read
from kinject.lm.tokens import Continued, Likely

CPU = Limits(max_rows=64, max_tokens=8192)
GPU = Limits(max_rows=256, max_tokens=65536)
RECENT = 4096  # completions that are remembered
UNSTATED_WINDOW = 32_768  # of a model that has no positions, and so no limit but its memory


class LocalLM:
    """Any causal LM of transformers. Made by `kinject.lm.open_model`; may be used from many threads.

    Chats that are equal are computed once, in flight or among the last 4,096: decoding is greedy, or drawn with a seed.
    A cohort in lockstep has a memory of its own, as in bfloat16 an answer depends a little on what it was batched with.
    """

    def __init__(self, shared: "_Shared", info: ModelInfo, adapter: str = BASE, wait: bool = True) -> None:
        self._shared, self.info, self._adapter, self._wait = shared, info, adapter, wait
        self._owns = True

    @classmethod
    def start(cls, loaded: Loaded, wait: bool = True, limits: Limits | None = None) -> "LocalLM":
        """Put a queue in front of a loaded model."""
        shared = _Shared(loaded, limits)
        details = {"architecture": type(loaded.model).__name__, "dtype": str(loaded.model.dtype).removeprefix("torch.")}
        details["device"] = loaded.model.device.type
        if loaded.model.device.type == "cuda":
            details["accelerator"] = cuda.get_device_name(loaded.model.device)
        if loaded.quantised:
            details["quantised"] = loaded.quantised
        parameters = sum(weight.numel() for weight in loaded.model.parameters())
        return cls(shared, ModelInfo(loaded.name, loaded.fingerprint, parameters, shared.window, details), wait=wait)

    @property
    def model(self) -> PreTrainedModel:
        return self._shared.adapted.model

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self._shared.loaded.tokenizer

    def ids(self, text: str) -> Ids:
        """The tokens of a text by itself, without a template."""
        return self._shared.encoder.answer(text)

    @contextmanager
    def network(self) -> Iterator[PreTrainedModel]:
        """The network with this view's adapter in force, for who needs more of it than answers: below `computes`."""
        with self._shared.adapted.using(self._adapter) as model:
            yield model

    def complete(self, chat: Chat) -> Completion:
        """Blocks until the answer is there. Raises PromptTooLongError, OverloadedError or ModelError.

        Raises CalledOffError once the errand of the calling thread is off.
        """
        calling_off.check()
        shared = self._shared
        ids = self._prompt(chat)
        if chat.max_new_tokens < 1:
            raise ModelError(f"max_new_tokens must be at least 1, found {chat.max_new_tokens}")
        longest = min(chat.max_new_tokens, shared.window - len(ids))
        has_grammar = bool(chat.tools) and shared.encoder.template.has_grammar
        constraint = shared.grammar.constraint(chat.tools) if has_grammar else None
        drawn = sampling.current()
        key = _digest(self._adapter, ids, longest, chat.tools, *([drawn] if drawn else []))
        awaited = Awaited()
        prompt = Prompt(ids, longest, constraint, drawn, lambda: awaited.is_wanted, self._said())
        job = Job(("generate", self._adapter), len(ids), prompt, key, lockstep.current(), awaited)
        future, new = shared.memories.of(job.cohort).recent.setdefault(key, job.future)
        if new:
            self._submit(job)
        with watching.calling(self.info.name) as call:
            (generated,) = self._results([future])
            call.prompt_tokens, call.completion_tokens = len(ids), len(generated.ids)
        completion = _completion(generated, len(ids), shared.encoder, chat.tools)
        note(self, chat)
        return completion

    def log_probability(self, chat: Chat, answer: str) -> float:
        """Natural log-probability of `answer`, and of ending there, as the assistant's next message."""
        return self.log_probabilities(chat, (answer,))[0]

    def log_probabilities(self, chat: Chat, answers: tuple[str, ...]) -> tuple[float, ...]:
        """The same of several answers, which may share a batch."""
        calling_off.check()
        ids, jobs = self._prompt(chat), []
        for answer in answers:
            forced = self._shared.encoder.answer(answer)
            self._check_length(len(ids) + len(forced))
            key, tokens = _digest(self._adapter, ids, forced), len(ids) + len(forced)
            jobs.append(Job(("score", self._adapter), tokens, Forced(ids, forced), key, lockstep.current()))
        for job in jobs:
            self._submit(job)
        return tuple(map(float, self._results([job.future for job in jobs])))

    def encode(self, text: str) -> Ids:
        """The tokens of a text; what spells a control token becomes one."""
        return self._shared.encoder.raw(text)

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def piece(self, token: int) -> str:
        """One token as text; where it is a part of a character, as the vocabulary spells it."""
        text = self.decode((token,))
        return text if text and "\N{REPLACEMENT CHARACTER}" not in text else _spelling(self.tokenizer, token)

    def read(self, rows: Sequence[Ids], top: int) -> tuple[tuple[Likely, ...], ...]:
        """Token ids as they stand, each scored after all before it, with the `top` likeliest in its place."""
        calling_off.check()
        for ids in rows:
            self._check_ids(ids, len(ids))
        jobs = [Job(("read", self._adapter), len(ids), Read(ids, top), cohort=lockstep.current()) for ids in rows]
        for job in jobs:
            self._submit(job)
        return tuple(self._results([job.future for job in jobs]))

    def go_on(self, rows: Sequence[Ids], max_new_tokens: int) -> tuple[Continued, ...]:
        """What follows token ids as they stand, greedily, as far as the window goes."""
        calling_off.check()
        for ids in rows:
            self._check_ids(ids, len(ids) + 1)
        jobs = [self._going_on(ids, max_new_tokens) for ids in rows]
        for job in jobs:
            self._submit(job)
        return tuple(Continued(done.ids, done.stop) for done in self._results([job.future for job in jobs]))

    def with_adapter(self, path: Path, own: bool = False) -> "LocalLM":
        """The same weights and queue with a LoRA adapter on top; `close` of it closes nothing unless `own`."""
        key = self._shared.adapted.add(path)
        digest = hashlib.sha256(f"{self.info.fingerprint}\0{fingerprint(path)}".encode()).hexdigest()
        details = self.info.details | {"adapter": path.name}
        name = self._shared.loaded.name
        info = ModelInfo(f"{name}+{path.name}", digest, self.info.parameters, self.info.context_window, details)
        view = LocalLM(self._shared, info, key, self._wait)
        view._owns = own
        return view

    def without_waiting(self) -> "LocalLM":
        """The same model and queue for callers who would rather have OverloadedError than wait in line."""
        view = LocalLM(self._shared, self.info, self._adapter, wait=False)
        view._owns = False
        return view

    def close(self) -> None:
        """End the queue's thread; requests that wait fail with ModelError. Again is no harm."""
        if self._owns:
            self._shared.queue.close()

    def _going_on(self, ids: Ids, max_new_tokens: int) -> Job:
        awaited = Awaited()
        longest = min(max_new_tokens, self._shared.window - len(ids))
        prompt = Prompt(ids, longest, is_wanted=lambda: awaited.is_wanted)
        return Job(("generate", self._adapter), len(ids), prompt, b"", lockstep.current(), awaited)

    def _said(self) -> Callable[[Ids], None] | None:
        listener, encoder = speaking.current(), self._shared.encoder
        if listener is None:
            return None
        voice = speaking.Voice(listener)
        return lambda ids: voice(encoder.text(ids))

    def _prompt(self, chat: Chat) -> Ids:
        ids = self._shared.encoder.prompt(chat)
        self._check_length(len(ids) + 1)
        return ids

    def _check_length(self, needed: int) -> None:
        window = self._shared.window
        if needed > window:
            raise PromptTooLongError(f"the prompt needs {needed} tokens; the window of {self.info.name} has {window}")

    def _check_ids(self, ids: Ids, needed: int) -> None:
        embeddings: Any = self.model.get_input_embeddings()
        vocabulary = int(embeddings.weight.shape[0])
        if not ids or not all(0 <= token < vocabulary for token in ids):
            found = next((token for token in ids if not 0 <= token < vocabulary), "none")
            raise ModelError(f"{self.info.name} has the tokens 0 to {vocabulary - 1}; found {found}")
        self._check_length(needed)

    def _results(self, futures: Sequence[Awaited]) -> list[Any]:
        try:
            return [self._result(future) for future in futures]
        except CalledOffError:
            for future in futures:
                future.leave()
            self._shared.queue.wake()
            raise

    def _result(self, future: Awaited) -> Any:
        if cohort := lockstep.current():
            cohort.wait_for(future, self._shared.queue.wake)
        return calling_off.result(future)

    def _submit(self, job: Job) -> None:
        try:
            self._shared.queue.submit(job, wait=self._wait)
        except KinjectError as error:
            # Callers with an equal chat may already wait on this future.
            job.future.set_exception(error)
            raise


class _Shared:
    """What a model and the views of it with adapters have in common."""

    def __init__(self, loaded: Loaded, limits: Limits | None) -> None:
        self.loaded = loaded
        self.encoder = ChatEncoder(loaded.tokenizer, loaded.name)
        self.adapted = AdaptedModel(loaded.model)
        self.window = _window(loaded)
        self.stop_ids = _stop_ids(loaded)
        self.memories = _Memories()
        default = GPU if loaded.model.device.type == "cuda" else CPU
        self.queue = BatchingQueue(_Runner(self.adapted, self.stop_ids, self.memories), limits or default)

    @cached_property
    def grammar(self) -> ToolGrammar:
        # Reading a large vocabulary takes a second: only where tools are used.
        model: Any = self.loaded.model
        vocabulary = model.get_output_embeddings().weight.shape[0]
        return ToolGrammar(self.loaded.tokenizer, vocabulary, sorted(self.stop_ids), self.encoder.template.format)


@dataclass(frozen=True)
class _Runner:
    """Runs one batch. Holds no queue, so that a queue nobody uses can be collected."""

    adapted: AdaptedModel
    stop_ids: frozenset[int]
    memories: "_Memories"

    @computes
    def __call__(self, jobs: Sequence[Job]) -> None:
        kind, adapter = jobs[0].group
        prefill = self.memories.of(jobs[0].cohort).prefill
        with self.adapted.using(adapter) as model:
            if kind == "read":
                for job, scored in zip(jobs, read(model, [job.payload for job in jobs]), strict=True):
                    job.future.set_result(scored)
            elif kind == "score":
                scores = score(model, [job.payload for job in jobs], self.stop_ids)
                for job, value in zip(jobs, scores, strict=True):
                    job.future.set_result(value)
            else:
                prompts = [job.payload for job in jobs]
                futures = [job.future for job in jobs]
                generate(model, prompts, self.stop_ids, lambda i, done: futures[i].set_result(done), prefill[adapter])


@dataclass(frozen=True)
class _Memory:
    """What is kept of former requests.

    `prefill` is by adapter: the cache of a beginning depends on the weights that read it.
    """

    recent: "_Recent" = field(default_factory=lambda: _Recent(RECENT))
    prefill: dict[str, Prefiller] = field(default_factory=lambda: defaultdict(Prefiller))


class _Memories:
    """One memory for everybody, and one for each cohort as long as it lasts."""

    def __init__(self) -> None:
        self._shared, self._lock = _Memory(), threading.Lock()
        self._own: MutableMapping[Cohort, _Memory] = WeakKeyDictionary()

    def of(self, cohort: Cohort | None) -> _Memory:
        if cohort is None:
            return self._shared
        with self._lock:
            return self._own.setdefault(cohort, _Memory())


class _Recent:
    """The last futures by key; one that fails is forgotten."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, threading.Lock()
        self._futures: OrderedDict[bytes, Awaited] = OrderedDict()

    def setdefault(self, key: bytes, future: Awaited) -> tuple[Awaited, bool]:
        """The future of `key`, which has one caller more, and whether it is the new one."""
        with self._lock:
            found = self._futures.setdefault(key, future)
            if found is not future and not found.join():  # all who waited have left: it will have no result
                found = self._futures[key] = future
            self._futures.move_to_end(key)
            if len(self._futures) > self._size:
                self._futures.popitem(last=False)
        if found is future:
            future.add_done_callback(lambda done: self._forget(key, future) if done.exception() else None)
        return found, found is future

    def _forget(self, key: bytes, future: Awaited) -> None:
        with self._lock:
            if self._futures.get(key) is future:
                del self._futures[key]


def _digest(*asked: Any) -> bytes:
    return hashlib.sha256(repr(asked).encode()).digest()


def _completion(
    generated: Generated, prompt_tokens: int, encoder: ChatEncoder, tools: Sequence[ToolSpec]
) -> Completion:
    # A call that was cut off is not something said.
    said, calls = encoder.reply(generated.ids) if tools else (encoder.text(generated.ids), ())
    finish: Finish = "length" if not generated.stopped else "tool_calls" if calls else "stop"
    # Without a grammar, it is the calls themselves that tell whether they are valid.
    valid = generated.unconstrained if encoder.template.has_grammar else are_valid(calls, tools)
    return Completion(said, calls, generated.log_probabilities, prompt_tokens, finish, unconstrained=valid)


def _spelling(tokenizer: PreTrainedTokenizerBase, token: int) -> str:
    return str(tokenizer.convert_ids_to_tokens(token) or f"<{token}>")


def _window(loaded: Loaded) -> int:
    """As the configuration or else the tokenizer says; transformers writes 10**30 where neither does."""
    declared = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    return int(declared or min(loaded.tokenizer.model_max_length, UNSTATED_WINDOW))


def _stop_ids(loaded: Loaded) -> frozenset[int]:
    generation = loaded.model.generation_config
    declared = generation.eos_token_id if generation is not None else None
    stops = declared if isinstance(declared, list) else [declared]
    found = frozenset(int(stop) for stop in (*stops, loaded.tokenizer.eos_token_id) if stop is not None)
    if not found:
        raise ModelError(f"{loaded.name} names no token that ends an answer (eos_token_id)")
    return found
