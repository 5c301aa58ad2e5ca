"""An embedder for tests that need no real one."""

import zlib

import numpy as np


class WordHashes:
    """Bags of words: texts that share words are near. `asked` holds every text that was embedded."""

    fingerprint = "words"

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked += texts
        rows = np.zeros((len(texts), 999), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.strip(".,:?").encode()) % 999] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
