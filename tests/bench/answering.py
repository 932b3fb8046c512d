"""How long a running training takes to answer what is asked of it, request by request.

    python -m tests.bench.answering [--requests 30]

The aim: an answer within a second of a step's end. The steps are made to take some 50 ms on two cores.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path

from kflab.runs import answers
from kflab.runs.control import Evaluate, GoOn, Pause, Request, SetEpochs, SetRate, TakeSnapshot, kill, kind_of
from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.launch import launch

EXPERIMENT = """
kflab: 1
data: {source: digits, validation: 0.1}
model:
  nodes:
    image:  {Input: {shape: [8, 8, 1]}}
    first:  {Conv2D: {filters: 96, kernel_size: 5, padding: same, activation: relu}, from: image}
    second: {Conv2D: {filters: 96, kernel_size: 5, padding: same, activation: relu}, from: first}
    pooled: {GlobalAveragePooling2D: {}, from: second}
    digit:  {Dense: {units: 10, activation: softmax}, from: pooled}
  outputs: [digit]
training:
  loss: SparseCategoricalCrossentropy
  batch_size: 64
  epochs: 100000
"""
IN_TURN: tuple[Request, ...] = (
    SetRate(factor=0.99),
    TakeSnapshot(),
    SetEpochs(more=1),
    Evaluate(),
    Pause(),
    GoOn(),
)
_BETWEEN = 0.37  # seconds: no multiple of the time that a step or a look at the requests takes


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def measure(run_dir: Path, requests: int) -> list[tuple[str, float]]:
    """The seconds from each request to its answer in the events."""
    follow = Follow(run_dir)
    while follow.state.epochs_done < 2:
        follow.poll()
        time.sleep(0.05)
    took = []
    for request in itertools.islice(itertools.cycle(IN_TURN), requests):
        time.sleep(_BETWEEN)
        begin = time.perf_counter()
        answer = answers.ask_and_wait(run_dir, request, 60, sleep=lambda _: time.sleep(0.002))
        took.append((kind_of(request), time.perf_counter() - begin))
        if answer.steered is None or answer.steered.refused:
            _say(f"{kind_of(request)} was not done: {answer}")
    follow.poll()
    rate = follow.state.steps_per_second
    _say(f"a step takes {1000 / rate:.0f} ms" if rate else "no step was measured")
    return took


def main() -> None:
    """Measures and tells."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run_dir = create(EXPERIMENT, "answering", Path(folder), seed=1, backend="tensorflow")
        launch(run_dir)
        try:
            took = measure(run_dir, asked.requests)
        finally:
            kill(run_dir)
    for kind in dict.fromkeys(kind for kind, _ in took):
        seconds = [spent for of, spent in took if of == kind]
        _say(f"{kind:9} median {statistics.median(seconds):.3f} s  longest {max(seconds):.3f} s")
    seconds = [spent for _, spent in took]
    _say(f"{'all':9} median {statistics.median(seconds):.3f} s  longest {max(seconds):.3f} s")


if __name__ == "__main__":
    main()
