"""What it costs that a run is looked after: its epochs against those of a loop that only makes steps.

`tests/bench/training.py --monitoring` calls this. The run has events, console, snapshots, requests and usage;
the other one is a process that makes the same steps in groups of the same length, validation included, and
does nothing besides.

    python tests/bench/monitoring.py DOCUMENT STEPS_PER_EXECUTION
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec

ROUNDS = 4
BOUND = 1.03


def compare(document: Path, backend: str) -> tuple[str, float]:
    """Runs a document and the bare loop in turns.

    Returns:
        A line that says how long the epochs of both took, and their ratio.
    """
    run: list[float] = []
    bare: list[float] = []
    for number in range(ROUNDS):
        seconds, steps = _run(document, backend, number)
        run += seconds[1:]
        bare += _bare(document, backend, steps)[1:]
    # Noise of the machine only ever adds time: the quickest epochs are nearest to what each of them costs.
    ratio = _quick(run) / _quick(bare)
    middle = statistics.median(run) / statistics.median(bare)
    return (
        f"run {_quick(run) * 1e3:.1f} ms, bare loop {_quick(bare) * 1e3:.1f} ms: {ratio:.3f} "
        f"(at most {BOUND}); ratio of medians {middle:.3f}; {len(run)} epochs each",
        ratio,
    )


def _quick(seconds: list[float]) -> float:
    """The mean of the quickest third."""
    return statistics.mean(sorted(seconds)[: max(1, len(seconds) // 3)])


def _run(document: Path, backend: str, number: int) -> tuple[list[float], int]:
    runs = document.parent / f"monitored{number}"
    subprocess.run(
        [sys.executable, "-m", "kflab", "run", str(document), "--runs-dir", str(runs), "--backend", backend],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lines = next(runs.glob("*/events.jsonl")).read_bytes().splitlines()
    events = [msgspec.json.decode(line) for line in lines]
    planned = next(event for event in events if event["event"] == "planned")
    seconds = [event["seconds"] for event in events if event["event"] == "epoch"]
    return seconds, planned["plan"].get("steps_per_execution", 1)


def _bare(document: Path, backend: str, steps: int) -> list[float]:
    done = subprocess.run(
        [sys.executable, __file__, str(document), str(steps)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def bare_loop(path: Path, count: int) -> list[float]:
    """Makes the steps of a document and nothing else; returns the seconds of each epoch."""
    import keras

    from kflab import document
    from kflab.data.load import load
    from kflab.engine.build import build
    from kflab.runs.plan import Plan
    from kflab.train.compiling import compile_model
    from kflab.train.data_path import feed
    from kflab.train.steppers.choosing import make_stepper

    experiment = document.read(path)
    training = experiment.training
    splits = load(experiment, path.parent, None, training.seed or 0)
    keras.utils.set_random_seed(training.seed or 0)
    model = build(experiment)
    compile_model(model, training)
    train, validation = feed(experiment, splits, "device", seed=training.seed or 0, weights=None)
    stepper = make_stepper(model, train, Plan(steps_per_execution=count))
    found = []
    for epoch in range(training.epochs):
        begin = time.perf_counter()
        stepper.begin_epoch(epoch)
        for step in range(0, train.steps, count):
            stepper.wait(stepper.train(step, min(count, train.steps - step)))
        if validation is not None:
            for step in range(0, validation.steps, count):
                made = stepper.evaluate(validation, begin=step, count=min(count, validation.steps - step))
                stepper.wait(made)
        found.append(time.perf_counter() - begin)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bare_loop(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
