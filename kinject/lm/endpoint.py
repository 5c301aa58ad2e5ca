"""The name of a model behind a URL, `openai:MODEL` or `openai:MODEL@URL`, and where it leads.

Opens no connection and imports nothing heavy.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from kinject.errors import ModelError

OFFICIAL = "https://api.openai.com/v1"
KEY, URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"
NO_KEY = "none"  # what is sent to a server that wants none

_PREFIX = "openai:"
_NAME = re.compile(r"openai:(?P<model>[^\s@][^\s]*?)(?:@(?P<url>https?://\S+))?")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model of an OpenAI-compatible server; `url` ends before /chat/completions."""

    model: str
    url: str

    @property
    def name(self) -> str:
        """In full, so that it means the same wherever the environment names another URL."""
        return f"{_PREFIX}{self.model}@{self.url}"

    @property
    def fingerprint(self) -> str:
        """Of name and URL alone: whether the server changed the weights behind them cannot be seen from here."""
        return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.url).hostname in _LOOPBACK


def is_remote(name: str) -> bool:
    return name.startswith(_PREFIX)


def find_endpoint(name: str) -> Endpoint:
    """Without a URL in the name: that of OPENAI_BASE_URL, or OpenAI's own. Raises ModelError."""
    found = _NAME.fullmatch(name)
    if not found or "://" in found["model"]:
        raise ModelError(f"no remote model {name!r}; write openai:MODEL or openai:MODEL@URL, with http:// or https://")
    url = (found["url"] or os.environ.get(URL) or OFFICIAL).rstrip("/")
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError as error:
        raise ModelError(f"{url!r} is no URL: {error}") from error
    if not known:
        raise ModelError(f"{url!r} is no URL of a server; write one such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        # It is printed and recorded with every run.
        raise ModelError(f"a model's URL holds no password and no query; leave them out and put the key into {KEY}")
    return Endpoint(found["model"], url)


def find_key(endpoint: Endpoint) -> str:
    """The key to send, from the environment and nowhere else. Raises ModelError where a server elsewhere needs one."""
    key = os.environ.get(KEY, "").strip()
    if not key and not endpoint.is_loopback:
        raise ModelError(f"no key for {endpoint.url}: set {KEY} (to any word, if this server wants none)")
    return key or NO_KEY


def check_recorded(name: str) -> None:
    """See that a model which a run's folder names may be asked with the key of whoever opens the folder.

    A folder may come from anybody: a key goes to OpenAI, to this machine or to the server that OPENAI_BASE_URL names.
    Raises ModelError.
    """
    endpoint = find_endpoint(name)
    trusted = (OFFICIAL, os.environ.get(URL, "").rstrip("/"))
    if os.environ.get(KEY) and not endpoint.is_loopback and endpoint.url not in trusted:
        raise ModelError(f"this run asks {endpoint.url}, which would get your key; set {URL} to that URL to agree")
