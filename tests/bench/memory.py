"""What training takes in memory against what is estimated: `python -m tests.bench.memory`.

"Really used" is the resident memory of a fresh process at its peak, while it builds, compiles and trains the
model for a few steps and validates, less what was resident just before: with Keras and TensorFlow loaded and
the data in memory. On a GPU it is the peak that TensorFlow tells of the device. Malloc is left as it is, so
what it holds back from the system counts. Steps after the first take more than that one: TensorFlow runs the
gradients of weights later once it knows what operations cost.

    python -m tests.bench.memory [presets | applications | PRESET | NAME:SIZE:BATCH ...]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kflab.experiment import Experiment

STEPS = 6
APPLICATIONS = (
    "ResNet50:224:16",
    "MobileNetV2:224:32",
    "EfficientNetB0:224:16",
    # These three were not used to fit the figures of `kflab.engine.memory`.
    "DenseNet121:160:16",
    "Xception:160:16",
    "ResNet50V2:160:16",
)


def measure(name: str) -> None:
    """Estimates and measures one model in this process, and prints both as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import msgspec
    import numpy as np

    from kflab import document, presets
    from kflab.data.load import load
    from kflab.engine.build import build
    from kflab.engine.inspect import Inspector
    from kflab.engine.peak import PeakMemory
    from kflab.experiment import Spec as Named
    from kflab.experiment import Training
    from kflab.train.compiling import compile_model
    from kflab.train.feeding import fed_with

    architecture, _, rest = name.partition(":")
    if rest:
        size, _, batch = rest.partition(":")
        experiment = imported(architecture, int(size))
        training = Training(
            optimizer=Named("Adam"),
            loss={"": Named("SparseCategoricalCrossentropy")},
            metrics={"": (Named("accuracy"),)},
            batch_size=int(batch),
        )
        experiment = msgspec.structs.replace(experiment, training=training)
        count = STEPS * training.batch_size
        inputs = np.random.default_rng(1).random((count, int(size), int(size), 3), "float32")
        arguments = {"x": inputs, "y": np.arange(count) % 1000, "batch_size": training.batch_size}
        validation = None
    else:
        experiment = document.read(presets.find(name))
        splits = load(experiment)
        batch_size = experiment.training.batch_size
        arguments = dict(fed_with(splits.train, experiment.model, batch_size=batch_size).arguments)
        held = splits.validation and fed_with(splits.validation, experiment.model, batch_size=batch_size)
        validation = held.as_validation() if held else None
    estimated = Inspector().inspect(experiment).cost.memory

    class Few(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.model.stop_training = batch + 1 >= STEPS

    memory = PeakMemory()
    model = build(experiment)
    compile_model(model, experiment.training)
    model.fit(**arguments, verbose=0, validation_data=validation, callbacks=[Few()])
    parts = msgspec.structs.asdict(estimated)
    sys.stdout.write(
        json.dumps({"estimated": estimated.total, "measured": memory.bytes, "parts": parts}) + "\n"
    )


def imported(architecture: str, size: int) -> Experiment:
    """An architecture of `keras.applications` for pictures of a size, as `kflab import` brings it in."""
    import contextlib
    import io
    import tempfile

    from kflab import document
    from kflab.cli import run

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.yaml"
        with contextlib.redirect_stdout(io.StringIO()):
            assert run(["import", f"applications:{architecture}", "-o", str(path)]) == 0
        lines = path.read_text(encoding="utf-8").splitlines()
        at = next(index for index, line in enumerate(lines) if "Input:" in line)
        lines[at] = f"{lines[at].partition('shape:')[0]}shape: [{size}, {size}, 3]}}}}"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return document.read(path)


def offline_presets() -> list[str]:
    """The presets whose data need no download."""
    from kflab import document, presets
    from kflab.catalog.datasets import Origin, describe

    every = presets.names()
    return [
        name
        for name in every
        if describe(document.read(presets.path(name)).data).origin is not Origin.DOWNLOAD
    ]


def main() -> None:
    """Measures each model in a process of its own, and prints the estimate beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["presets", "applications"])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        measure(asked.models[0])
        return
    sets = {"presets": offline_presets(), "applications": list(APPLICATIONS)}
    for name in [each for model in asked.models for each in sets.get(model, [model])]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.memory", "--child", name],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.stdout.write(f"{name:24s} failed: {done.stderr.strip().splitlines()[-1:]}\n")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        shown = "  ".join(f"{part} {size / 1e6:.1f}" for part, size in found["parts"].items())
        ratio = found["estimated"] / found["measured"]
        sys.stdout.write(
            f"{name:24s} measured {found['measured'] / 1e6:8.1f} MB  estimated "
            f"{found['estimated'] / 1e6:8.1f} MB  {ratio - 1:+4.0%}   ({shown})\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
