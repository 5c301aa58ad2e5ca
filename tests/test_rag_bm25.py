"""bm25s picks a first top-k with JAX at its import, where it can import it: that would take a GPU's memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BM25 = ROOT / "kinject" / "systems" / "rag" / "bm25.py"  # by itself: the package around it takes seconds
ASKED = "def top_k(scores, k):\n    print('allocated')\n    return scores[:k], scores[:k]\n"


@pytest.fixture
def said(tmp_path):
    """What a process with a JAX of ours prints that imports so."""
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("name = 'ours'\n", encoding="utf-8")
    (tmp_path / "jax" / "lax.py").write_text(ASKED, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}

    def run(code):
        found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        return found.stdout.split()

    return run


def test_retrieval_leaves_jax_alone_even_where_it_is_imported_already(said):
    assert said("import bm25s") == ["allocated"]  # else this tests nothing
    assert said("import jax.lax, kinject.systems.rag") == []


def test_jax_stays_what_it_was_for_everyone_else(said):
    code = f"{{}}import runpy, sys; runpy.run_path({str(BM25)!r}); print('jax' in sys.modules)"
    code += "\nimport jax.lax; print(jax.name)"
    assert said(code.format("")) == ["False", "ours"]
    assert said(code.format("import jax.lax; ")) == ["True", "ours"]


def test_words_are_found_without_jax(said):
    code = (
        f"import runpy; index = runpy.run_path({str(BM25)!r})['BM25']()\n"
        "index.index([['a', 'b'], ['c']], show_progress=False)\n"
        "print(index.retrieve([['c']], k=1, show_progress=False).documents[0, 0])"
    )
    assert said(code) == ["1"]
