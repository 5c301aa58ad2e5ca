"""General text that is trained on beside the corpus, so that what the model could do is not forgotten.

A chat that ends with a question is answered by the untouched model first: to imitate itself keeps a model where it is
(arXiv:2402.13669). It chooses no amounts.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kinject.errors import OptionError
from kinject.lm.base import Chat, Message
from kinject.lm.encoding import ChatEncoder
from kinject.lm.local import LocalLM
from kinject.lm.lockstep import in_step
from kinject.store import artifact_is, new_artifact, read_manifest, write_whole
from kinject.store.artifact import MANIFEST
from kinject.systems.sft.batches import Row

_CALLERS = 32
_FILE = "replay.json"
_MESSAGES = TypeAdapter(tuple[Message, ...])

Item = str | tuple[Message, ...]


def rows(file: Path, model: LocalLM, folder: Path, longest: int) -> list[Row]:
    """The file as rows of at most `longest` tokens; a chat that is longer is left out. Answers are kept in `folder`.

    A .jsonl file has "text" or "messages" in each row; of any other, each paragraph is a text. Raises OptionError.
    """
    items = list(_read(file))
    fingerprint = f"{digest(file, folder)}-{model.info.fingerprint[:16]}"
    if not artifact_is(folder, fingerprint):
        said = _answers([item for item in items if _is_open(item)], model)
        with new_artifact(folder, fingerprint) as unfinished:
            write_whole(unfinished / _FILE, json.dumps(said, ensure_ascii=False))
    said = iter(json.loads((folder / _FILE).read_text(encoding="utf-8")))
    encoder, end = ChatEncoder(model.tokenizer, model.info.name), model.tokenizer.eos_token_id
    whole = [(*item, Message("assistant", next(said))) if _is_open(item) else item for item in items]
    return [row for item in whole for row in _encode(item, encoder, end, longest)]


def digest(file: Path, folder: Path) -> str:
    """16 hex digits of what is replayed; of what was, where the file is gone and `folder` remembers it."""
    if file.is_file():
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return read_manifest(folder).fingerprint.partition("-")[0] if (folder / MANIFEST).exists() else ""


def _encode(item: Item, encoder: ChatEncoder, end: Any, longest: int) -> Iterator[Row]:
    if isinstance(item, str):
        ids = (*encoder.answer(item), end)
        for start in range(0, len(ids), longest):
            yield Row(ids[start : start + longest], (True,) * len(ids[start : start + longest]))
        return
    prompt, answer = encoder.prompt(Chat(item[:-1])), (*encoder.answer(item[-1].content), end)
    if len(prompt) + len(answer) <= longest:
        yield Row(prompt + answer, (False,) * len(prompt) + (True,) * len(answer))


def _answers(chats: Sequence[Item], model: LocalLM) -> list[str]:
    found: list[str] = []
    with ThreadPoolExecutor(_CALLERS) as pool:
        for start in range(0, len(chats), _CALLERS):
            some = [Chat(chat) for chat in chats[start : start + _CALLERS] if not isinstance(chat, str)]
            found += [future.result().text for future in in_step(pool, model.complete, some)]
    return found


def _is_open(item: Item) -> bool:
    return not isinstance(item, str) and item[-1].role == "user"


def _read(file: Path) -> Iterator[Item]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"replay={file} cannot be read as text: {error}") from error
    found = (
        [_row(file, n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        if (file.suffix == ".jsonl")
        else [part.strip() for part in text.split("\n\n") if part.strip()]
    )
    if not found:
        raise OptionError(f"replay={file} holds no text")
    yield from found


def _row(file: Path, number: int, line: str) -> Item:
    wrong = f'{file}, line {number}: expected {{"text": ...}} or {{"messages": [...]}} that end with user or assistant'
    try:
        row: dict[str, Any] = json.loads(line)
        found: Item = row["text"] if "text" in row else _MESSAGES.validate_python(row["messages"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise OptionError(f"{wrong}; found {line[:60]}") from error
    if not found or not (isinstance(found, str) or found[-1].role in ("user", "assistant")):
        raise OptionError(f"{wrong}; found {line[:60]}")
    return found
