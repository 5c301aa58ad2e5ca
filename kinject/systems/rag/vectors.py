"""FAISS indexes by size: exact as long as that is quick, then a graph, then lists of compressed vectors.

The exact vectors stay on disk whatever the kind, memory-mapped: a changed corpus takes from them what it need not embed
again, a graph ranks by them, and a search among few passages is exact. Knows no text.
"""

from pathlib import Path
from typing import Any, Literal, get_args

import faiss as typed_faiss
import numpy as np
from numpy.typing import NDArray

from kinject.lm.compute import computes

# Its stubs know neither flags nor parameters nor what a kind of index has of its own.
faiss: Any = typed_faiss

Vectors = NDArray[np.float32]
Kind = Literal["flat", "hnsw", "ivfsq8", "ivfpq"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Choice = Literal["auto", Kind]

# One flat search of 200,000 vectors of 384 numbers reads 300 MB, about 15 ms on two cores. A graph needs the vectors in
# memory beside its 270 bytes a passage: 3 M passages take 5.4 GB.
FLAT_UP_TO = 200_000
HNSW_UP_TO = 3_000_000

_EXACT = "vectors.faiss"
_NEIGHBOURS, _CONSTRUCTION, _BREADTH = 32, 80, 64
_PROBED = 0.05  # of the lists of an IVF, at least 16 of them
_MMAP_EXACT = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY
_MMAP_LISTS = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY


def kind_for(passages: int, choice: Choice = "auto") -> Kind:
    """What "auto" stands for; any other choice is itself.

    SQ8 beyond the graph: a byte a dimension loses little, where a PQ of a sixteenth of the size loses ranks.
    """
    if choice != "auto":
        return choice
    if passages <= FLAT_UP_TO:
        return "flat"
    return "hnsw" if passages <= HNSW_UP_TO else "ivfsq8"


@computes
def write(folder: Path, vectors: Vectors, kind: Kind = "flat") -> None:
    """The unit vectors as they are and, unless these are searched themselves, what is searched instead."""
    exact = faiss.IndexFlatIP(vectors.shape[1])
    exact.add(vectors)
    faiss.write_index(exact, str(folder / _EXACT))
    if kind == "hnsw":
        # The graph alone: the vectors that it leads to are in the other file.
        faiss.write_index(_graph(vectors), str(folder / _file(kind)), faiss.IO_FLAG_SKIP_STORAGE)
    elif kind != "flat":
        faiss.write_index(_lists(vectors, kind), str(folder / _file(kind)))


def exact(folder: Path) -> Any:
    """The IndexFlatIP that `write` left, memory-mapped."""
    return faiss.read_index(str(folder / _EXACT), _MMAP_EXACT)


def searched(folder: Path, exact: Any) -> Any:
    """The index that answers: the exact one, a graph over it, or memory-mapped lists."""
    kind: Kind = next((kind for kind in KINDS if (folder / _file(kind)).exists()), "flat")
    if kind == "flat":
        return exact
    if kind != "hnsw":
        return faiss.read_index(str(folder / _file(kind)), _MMAP_LISTS)
    graph = faiss.read_index(str(folder / _file(kind)))
    graph.storage, graph.own_fields = exact, False
    # FAISS keeps a bare pointer: without this the vectors would be freed under the graph.
    graph.referenced_objects = [exact]
    return graph


def among(allowed: NDArray[np.bool_]) -> Any:
    """For `search(..., params=)` of an exact index: only these rows can be found."""
    return faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.flatnonzero(allowed)))


@computes
def recall(index: Any, exact: Any, k: int = 10, sample: int = 200) -> float:
    """Share of the k nearest others of some of its own vectors that `index` finds; evenly spaced ones are asked."""
    total = exact.ntotal
    rows = np.linspace(0, total - 1, min(sample, total)).astype(np.int64)
    asked = np.stack([exact.reconstruct(int(row)) for row in rows])
    _, wanted = exact.search(asked, min(k + 1, total))
    _, found = index.search(asked, min(k + 1, total))
    shares = [
        len((others := set(right) - {row, -1}) & set(got)) / len(others)
        for row, right, got in zip(rows.tolist(), wanted.tolist(), found.tolist(), strict=True)
        if set(right) - {row, -1}
    ]
    return float(np.mean(shares)) if shares else 1.0


def _file(kind: Kind) -> str:
    return f"{kind}.faiss"


def _graph(vectors: Vectors) -> Any:
    graph = faiss.IndexHNSWFlat(vectors.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = _CONSTRUCTION, _BREADTH
    graph.add(vectors)
    return graph


def _lists(vectors: Vectors, kind: Kind) -> Any:
    total, dimensions = vectors.shape
    # FAISS wants 39 points a centroid, and 4 * sqrt(n) lists balance what is compared in and among them.
    lists = max(1, min(int(4 * total**0.5), total // 39))
    index = faiss.index_factory(dimensions, f"IVF{lists},{_code(dimensions, kind)}", faiss.METRIC_INNER_PRODUCT)
    if kind == "ivfpq":
        # It orders codes for a filter by Hamming distance that no search here uses, and takes minutes.
        index.do_polysemous_training = False
    index.train(vectors)
    index.add(vectors)
    index.nprobe = min(lists, max(16, round(_PROBED * lists)))
    return index


def _code(dimensions: int, kind: Kind) -> str:
    """PQ codes four dimensions in a byte, or as many as divide the vector."""
    return "SQ8" if kind == "ivfsq8" else f"PQ{dimensions // next(n for n in (4, 2, 1) if dimensions % n == 0)}x8"
