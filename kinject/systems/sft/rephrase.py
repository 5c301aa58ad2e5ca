"""Statements put into other words by a chat model, once; kept where subject and object still stand in them.

Facts with dates keep their templates: a day that changed would be another fact.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kinject.corpus import Corpus
from kinject.lm.base import LM, Chat, Message
from kinject.lm.lockstep import in_step
from kinject.progress import Progress, Step
from kinject.store import artifact_is, new_artifact, write_whole

_SCHEMA = 1
_EACH = 3  # of a fact's statements
_CALLERS = 32
_FILE = "rephrased.json"
_ASK = "Say this in other words, in one sentence. Keep every name and every number exactly as it is.\n\n"


def rephrased(corpus: Corpus, model: LM, folder: Path, progress: Progress) -> Mapping[str, Sequence[str]]:
    """Further statements by a fact's id; those in `folder` if they are of this corpus and this model."""
    made_from = json.dumps([_SCHEMA, corpus.fingerprint(), model.info.fingerprint])
    fingerprint = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    if not artifact_is(folder, fingerprint):
        found = _ask(list(_plain(corpus)), model, progress)
        with new_artifact(folder, fingerprint) as unfinished:
            write_whole(unfinished / _FILE, json.dumps(found, indent=1, ensure_ascii=False))
    kept: dict[str, list[str]] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    return kept


def _plain(corpus: Corpus) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """A fact's id, a statement of it, and what has to remain in it."""
    for fact in corpus.facts:
        if not (fact.valid_from or fact.valid_to):
            templates = [t for t in corpus.relation(fact.relation).statements if "{date}" not in t]
            for template in templates[:_EACH]:
                said = template.format(subject=fact.subject, object=fact.object)
                yield fact.id, said, (fact.subject, fact.object)


def _ask(asked: Sequence[tuple[str, str, tuple[str, str]]], model: LM, progress: Progress) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}

    def other(row: tuple[str, str, tuple[str, str]]) -> str:
        return model.complete(Chat((Message("user", _ASK + row[1]),))).text.strip()

    with ThreadPoolExecutor(_CALLERS) as pool:
        for start in range(0, len(asked), _CALLERS):
            progress(Step("rephrase", start, len(asked)))
            some = asked[start : start + _CALLERS]
            for (fact, said, needed), future in zip(some, in_step(pool, other, some), strict=True):
                text = future.result()
                own = found.setdefault(fact, [])
                if "\n" not in text and text not in (said, *own) and all(word in text for word in needed):
                    own.append(text)
    return found
