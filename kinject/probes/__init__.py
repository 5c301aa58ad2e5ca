"""One file a probe family: how its questions are made from a corpus, and how its records are summed up.

    make(corpus, n, rng) -> list[Probe]
    summarize(records) -> dict[str, Estimate]      # records of one system
    METRICS: dict[str, str]                        # what each metric means, in a line
    MAIN: str                                      # optional: the metric by which a report knows the family
    ASIDE = True                                   # optional: no report chooses a system by it

A family whose probes a user writes has, in place of make, read(paths, corpus): `own`.

The same corpus, n and generator give the same probes. Gold answers follow from the facts alone, and no question
uses a phrasing that may be trained on.
"""
