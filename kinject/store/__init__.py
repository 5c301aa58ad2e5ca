"""The on-disk protocol: a file or folder is there whole or not at all, a log loses at most its torn last line.

A kill or a full disk at any moment leaves the state before or the state after. Damage (a flipped byte, a cut file, a
foreign file) is found before use. It keeps no schema of its own for what others store, and it deletes nothing but its
own leftovers. One writer at a time: hold `lock` while you write to a folder.
"""

from kinject.store.artifact import FileEntry, Manifest, artifact_is, new_artifact, read_manifest
from kinject.store.crash import crash_point
from kinject.store.files import lock, sweep, write_whole
from kinject.store.jsonlines import JsonLines, record_to_row, row_to_record
from kinject.store.sealed import read_sealed, sealed_text, write_sealed

__all__ = [
    "FileEntry",
    "JsonLines",
    "Manifest",
    "artifact_is",
    "crash_point",
    "lock",
    "new_artifact",
    "read_manifest",
    "read_sealed",
    "record_to_row",
    "row_to_record",
    "sealed_text",
    "sweep",
    "write_sealed",
    "write_whole",
]
