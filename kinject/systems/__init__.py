"""One file or folder a system: its name is the system's name on the command line, in `/ask?system=`, in the report.

Config: a frozen dataclass of options with defaults and one comment each.
build(corpus, store, model, config, progress=silent) -> System: reuses `store` where fingerprints match.
NEEDS_WEIGHTS = True: it trains, so that a study of a remote model leaves it out.
"""
