"""Trained weights brought up to date: training goes on with the facts that changed, and a sample of those that did not.

What is on disk is then of the new corpus, and says that it was updated rather than trained from the untouched model.
"""

import hashlib
import random
from dataclasses import replace
from datetime import date
from pathlib import Path

from kinject.corpus import Corpus
from kinject.errors import StoreError
from kinject.lm.base import LM
from kinject.lm.local import LocalLM
from kinject.lm.workers import whose
from kinject.progress import Progress, silent
from kinject.store import artifact_is
from kinject.store.files import remove
from kinject.systems.sft import methods
from kinject.systems.sft.batches import Batch
from kinject.systems.sft.config import Config
from kinject.systems.sft.loop import Plan, train
from kinject.systems.sft.mix import Beside
from kinject.systems.sft.training import MODEL, answering, batches, fingerprint, longest, opened, write
from kinject.types import System

Key = tuple[str, str]  # of a subject and a relation


def update(
    before: Corpus, after: Corpus, store: Path, model: LM, config: Config, progress: Progress = silent
) -> System:
    """Train `store/model`, which was made from `before`, on what `after` says otherwise; the result replaces it.

    A killed update goes on where it was, and until its end the old weights are whole. Facts that are gone are not
    unlearnt. Raises StoreError if `store` holds no weights of `before`, and ModelError for a model elsewhere.
    """
    local = methods.trainable(model, "sft", adapter=config.method == "lora")
    if not is_trained(after, store, local, config):
        if not is_trained(before, store, local, config):
            raise StoreError(f"{store / MODEL} was not made from the corpus before the update; run the study again")
        _go_on(before, after, store, local, config, progress)
    return answering(store / MODEL, local, config)


def is_trained(corpus: Corpus, store: Path, model: LM, config: Config) -> bool:
    """Whether `store` holds weights of this corpus, trained from the untouched model or updated to it."""
    made_from = fingerprint(corpus, store, model, config)
    return artifact_is(store / MODEL, made_from) or artifact_is(store / MODEL, _updated(made_from))


def changed(before: Corpus, after: Corpus) -> set[Key]:
    """The subjects and relations of which `after` says otherwise, or of which something else holds now."""
    old, new = _told(before), _told(after)
    return {key for key, values in new.items() if old.get(key) != values}


def lesson(before: Corpus, after: Corpus, rehearsal: float, rng: random.Random) -> Corpus:
    """What an epoch of an update is about: every fact that changed, and so many times as many that did not."""
    new = changed(before, after)
    old = sorted(_told(after).keys() - new)
    kept = new | set(rng.sample(old, min(len(old), max(round(rehearsal * len(new)), 0 if new else 1))))
    facts = tuple(fact for fact in after.facts if (fact.subject, fact.relation) in kept)
    pages = {fact.document_id for fact in facts}
    return replace(after, facts=facts, documents=tuple(page for page in after.documents if page.id in pages))


def _go_on(before: Corpus, after: Corpus, store: Path, model: LocalLM, config: Config, progress: Progress) -> None:
    made_from = _updated(fingerprint(after, store, model, config))
    folder, work = store / MODEL, store / "update"
    loaded = opened(model.info.name if config.method == "lora" else str(folder), model, config, whose())
    adapter = methods.prepare(loaded, config, folder)
    known = {(page.id, page.text) for page in before.documents}
    unread = {page.id for page in after.documents if (page.id, page.text) in known}
    beside = Beside(longest(model), unread=unread, whole=after)
    # Few facts: each epoch tells all of them.
    every = replace(config, text_share=1.0, asked_share=1.0, popularity="", epochs=config.refresh_epochs)

    def data(rng: random.Random) -> list[Batch]:
        return batches(lesson(before, after, config.rehearsal, rng), loaded, every, rng, beside)

    rate = methods.learning_rate(model.info.parameters, config)
    started = hashlib.sha256(f"{fingerprint(before, store, model, config)} {made_from} {every}".encode()).hexdigest()[
        :16
    ]
    plan = Plan(
        fingerprint=started,
        epochs=every.epochs,
        matrix_lr=rate,
        other_lr=rate / 2,
        weight_decay=config.weight_decay,
        seed=config.seed,
        data=data,
        quiz=tuple,
        show=lambda epochs: None,
    )
    train(loaded.model, plan, work, progress)
    write(loaded, adapter, folder, made_from)
    remove(work)


def _updated(made_from: str) -> str:
    return f"{made_from}-updated"


def _told(corpus: Corpus) -> dict[Key, set[tuple[str, date | None, date | None, bool]]]:
    now = {fact.id for fact in corpus.current().facts}
    found: dict[Key, set[tuple[str, date | None, date | None, bool]]] = {}
    for fact in corpus.facts:
        told = (fact.object, fact.valid_from, fact.valid_to, fact.id in now)
        found.setdefault((fact.subject, fact.relation), set()).add(told)
    return found
