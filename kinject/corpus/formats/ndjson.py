"""Read newline-delimited JSON: another name of JSONL."""

from kinject.corpus.formats.jsonl import read

__all__ = ["read"]
