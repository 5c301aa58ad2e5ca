"""Inject one corpus into a language model by training, retrieval and a knowledge graph, and measure what holds."""

__version__ = "0.1.0"
