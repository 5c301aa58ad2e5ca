"""One file or folder a system: its name is the system's name on the command line, in `/ask?system=`, in the report.

Config: a frozen dataclass of options with defaults and one comment each.
build(corpus, store, model, config, progress=silent) -> System: reuses `store` where fingerprints match.

What a system may have besides:
NEEDS_WEIGHTS = True: it trains, so that a study of a remote model leaves it out.
update(before, after, store, model, config, progress=silent) -> System: takes in changed facts; else it is built anew.
at_size(config, documents, facts) -> Config: the options as chosen for a corpus of that size, for a forecast.
diagnose(system, corpus, records) -> Iterable[Observation]: what it tells of its inner workings.
signals(answer) -> dict[str, float]: how sure it may be by its evidence, each in [0, 1] and 0 for the least sure.
curve(store) -> tuple[Epoch, ...] and quiz(corpus): what it had learnt after each epoch.

What the System that it builds may have besides:
with_claim(claim) -> System: the same one, whose own source also holds a claim; the store is left as it is.
"""
