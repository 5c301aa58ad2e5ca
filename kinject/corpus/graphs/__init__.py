"""Corpora as graphs in standard formats: Turtle, JSON-LD and GraphML, written and read back.

Foreign graphs become tables and are imported as tables are; only files that kinject wrote become facts directly.
"""
