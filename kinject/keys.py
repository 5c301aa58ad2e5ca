"""API keys: a file of names and hashes, from which no key can be had back.

Knows nothing of HTTP. A key is 256 random bits, so that one SHA-256 is enough: salts and slow hashes make it dear to
guess what people choose, and nobody guesses this.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kinject.errors import OptionError

BYTES = 32
PREFIX = "kj_"  # so that whoever finds a key in a file or a log knows what it is, and scanners too
OTHERS = stat.S_IRWXG | stat.S_IRWXO

_LINE = re.compile(r"([\w.-]{1,64}):([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keys:
    """SHA-256 in hexadecimal by the name of whom the key was made for."""

    hashes: Mapping[str, str]

    def owner(self, key: str) -> str | None:
        """Whose key that is. Takes as long whether one fits or none, and whichever does."""
        found, given = None, _hash(key)
        for name, known in self.hashes.items():
            if hmac.compare_digest(known, given):
                found = name
        return found


def read(path: Path) -> Keys:
    """Raises OptionError for a file that is not there, is open to others, holds no key or anything else than keys."""
    hashes = _read(path)
    if not hashes:
        raise OptionError(f"{path} holds no key; make one: kinject key add {path} NAME")
    return Keys(hashes)


def add(path: Path, name: str) -> str:
    """A new key; only its hash is kept, in a file that is made where there is none. Raises OptionError as `read` does.

    To withdraw a key, take its line out of the file and start the service again.
    """
    if not _LINE.fullmatch(f"{name}:{'0' * 64}"):
        raise OptionError(f"found {name!r}; a name has 1 to 64 letters, digits, points, hyphens and underscores")
    if path.exists() and name in _read(path):
        raise OptionError(f"{path} has a key for {name} already; take its line out first, or choose another name")
    key = PREFIX + secrets.token_urlsafe(BYTES)
    # An editor may have left the last line without its end.
    end = "\n" if path.exists() and path.read_bytes()[-1:] not in (b"", b"\n") else ""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(f"{end}{name}:{_hash(key)}\n")
    return key


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read keys from {path}: {error}; make some: kinject key add {path} NAME") from error
    if mode & OTHERS:
        raise OptionError(f"{path} has mode {mode:04o}, so others than you can use it; chmod 600 {path}")
    hashes = dict[str, str]()
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.strip())
        if not match and line.strip():
            # The line itself is not shown: it can be a key that somebody put there as it is.
            raise OptionError(f"{path}:{number}: not NAME:SHA256; add keys with: kinject key add {path} NAME")
        if match:
            hashes[match[1]] = match[2]
    return hashes


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
