"""Facts from free text: by patterns that need no model, or by a chat model whose every fact must stand in the text.

What is found becomes an ordinary corpus. Whether the facts are right is measured and not promised: the benchmark
"extraction" does it on a corpus that has both facts and documents.
"""

from kinject.extraction.claims import Claim, Extractor
from kinject.extraction.plans import Config, ExtractionPlan, extract, preview
from kinject.extraction.sources import Sources, read_sources

__all__ = ["Claim", "Config", "ExtractionPlan", "Extractor", "Sources", "extract", "preview", "read_sources"]
