"""What libraries tell at their import, and no user can do anything about."""

import logging


def quieten() -> None:
    """Call it before a model is opened.

    Where torchao is installed, transformers imports it, and it tells of every kernel that this machine cannot run.
    """
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
