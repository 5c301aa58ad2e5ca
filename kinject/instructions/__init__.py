"""Instruction data in the Alpaca format: made from seed tasks and from a corpus's documents, filtered, chosen.

What is made here teaches a model how to answer; whether it also states facts of a corpus is counted, never assumed.
Trains nothing, and imports nothing heavy.
"""
