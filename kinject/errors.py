"""Errors that are the user's to mend: one line on the terminal, a 4xx problem on the service."""


class KinjectError(Exception):
    """Says what was found, where, and what to do. The command line exits with 2."""


class UnknownNameError(KinjectError):
    """A name that is not among the known ones; the message lists them."""


class CorpusError(KinjectError):
    """A corpus, table or document that cannot be used as it is."""


class OptionError(KinjectError):
    """An option that does not exist or whose value does not fit."""


class StoreError(KinjectError):
    """A file on disk that is damaged, foreign or in use."""


class ModelError(KinjectError):
    """A model that cannot be loaded or that refused its input."""


class PromptTooLongError(ModelError):
    """A prompt longer than the model's context window; the service answers 413."""


class OverloadedError(KinjectError):
    """The queue in front of the model is full; the service answers 503 with Retry-After."""


class CalledOffError(KinjectError):
    """Work that was stopped because its caller has gone away; nobody is left to read this."""
