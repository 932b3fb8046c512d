"""Runs a Keras script as it stands and writes down when its epochs began and ended.

    python tests/bench/timed_script.py SCRIPT TIMES.json [--silent] [--first-step]

The only thing added is a callback of `fit` that looks at the clock at the ends of epochs. With --silent the
progress bar is off. With --first-step the process ends when the first step is done: to listen to steps costs
time in each of them, so that is a run of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import time
from pathlib import Path


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("times", type=Path)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--first-step", action="store_true")
    given = parser.parse_args()

    import keras

    epochs: list[list[float]] = []

    def write(first_step: float | None = None) -> None:
        given.times.write_text(json.dumps({"epochs": epochs, "first_step": first_step}), encoding="utf-8")

    class Epochs(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        """Notes when epochs begin and end, validation included."""

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            """An epoch begins."""
            epochs.append([time.time()])

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            """An epoch is done."""
            epochs[-1].append(time.time())
            write()

    class FirstStep(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        """Ends the process after the first step."""

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            """A step is done."""
            write(time.time())
            os._exit(0)

    fit = keras.Model.fit
    added = FirstStep() if given.first_step else Epochs()

    def timed_fit(model: keras.Model, *args: object, **kwargs: object) -> object:
        callbacks = kwargs.pop("callbacks", None) or []
        if given.silent:
            kwargs["verbose"] = 0
        return fit(model, *args, callbacks=[*callbacks, added], **kwargs)

    keras.Model.fit = timed_fit
    runpy.run_path(str(given.script), run_name="__main__")


if __name__ == "__main__":
    main()
