"""`python -m kflab.train.smoking`: an engine that makes smoke steps, on the device that a run would use."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from kflab import document
from kflab.engine.protocol import Hello, Inspect, Smoke, Smoked, Summarize
from kflab.engine.serve import Handlers, main
from kflab.errors import KflabError
from kflab.runs.placing import place_this_process
from kflab.settings import chosen_device, usable_backend


def start() -> tuple[Hello, Handlers]:
    """Load Keras with the devices that it finds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    names = place_this_process(usable_backend(), chosen_device().value)
    import keras

    hello = Hello(keras.backend.backend(), keras.version(), names)
    return hello, Handlers(_refuse, _refuse, answer)


def answer(request: Smoke) -> Smoked:
    """The answer to a request: what was measured, or the findings that stand in the way.

    Raises:
        KflabError: the document is none, the data can not be had, or training fails.
    """
    from kflab.train.smoke import SmokeRefusedError, smoke

    experiment = document.decode(request.document)
    try:
        return Smoked(request.id, smoke(experiment, Path(request.base) if request.base else None))
    except SmokeRefusedError as error:
        return Smoked(request.id, findings=error.findings)


def _refuse(_: Inspect | Summarize) -> NoReturn:
    raise KflabError("this engine only makes smoke steps")


if __name__ == "__main__":
    sys.exit(main(start))
