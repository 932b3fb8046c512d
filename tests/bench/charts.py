"""How long a chart takes to redraw, and how the screen fares while a long run is opened.

    python -m tests.bench.charts [--points 1000000] [--events 200000]

The aim: 25 ms for a redraw with a million points stored.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
from array import array
from pathlib import Path

from textual.app import App, ComposeResult

from kflab.runs.events import Batch, Epoch, Prepared, Started
from kflab.runs.folder import create
from kflab.runs.info import EVENTS, amend_info
from kflab.runs.lines import LineWriter
from kflab.runs.process import identify
from kflab.tui.charts import Role, Series, draw
from kflab.tui.follow import RunFollower, RunUpdated
from kflab.tui.reduce import Envelope
from kflab.tui.themes import THEMES
from kflab.tui.widgets.training import TrainingPane

EPOCHS = 20


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _curve(count: int) -> tuple[array[float], array[float]]:
    xs = array("d", (EPOCHS * (index + 1) / count for index in range(count)))
    return xs, array("d", (2.3 * math.exp(-x / 5) + random.random() * 0.1 for x in xs))


def redraw(count: int) -> None:
    """Redraws a chart again and again while its curve grows."""
    xs, ys = _curve(count)
    curve = Envelope(xs, ys)
    start = time.perf_counter()
    curve.bounds()
    _say(f"first look at {count:,} points: {(time.perf_counter() - start) * 1e3:.1f} ms")
    for width, height in ((58, 10), (118, 36)):
        times = []
        for _ in range(30):
            xs.append(float(EPOCHS))
            ys.append(0.1)
            start = time.perf_counter()
            draw("loss", [Series(Role.TRAIN, (curve,), 0.1)], width, height, epochs=EPOCHS)
            times.append((time.perf_counter() - start) * 1e3)
        quantile = statistics.quantiles(times, n=20)[-1]
        _say(f"redraw at {width}×{height}: median {statistics.median(times):.1f} ms, 95 % {quantile:.1f} ms")


def _long_run(folder: Path, events: int) -> Path:
    run_dir = create("kflab: 1\n", "long", folder, seed=1, backend="tensorflow")
    steps = events // EPOCHS
    with LineWriter(run_dir / EVENTS) as writer:
        writer.write(Started(time=0.0, pid=1))
        writer.write(Prepared(0.0, EPOCHS, steps, 32, 32 * steps, 32, 32, 906))
        for epoch in range(1, EPOCHS + 1):
            for step in range(1, steps + 1):
                logs = {"loss": 1 / epoch + random.random() * 0.1, "accuracy": 1 - 1 / epoch}
                writer.write(Batch(float(step), epoch, step, steps, logs, 1e-3))
            writer.write(Epoch(float(epoch), epoch, 1.0, {"loss": 1 / epoch, "val_loss": 1.1 / epoch}, 1e-3))
    # A dead process: the run counts as crashed, and is read to its end once.
    amend_info(run_dir, process=identify())
    return run_dir


class _Watching(App[None]):
    def __init__(self, run_dir: Path) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "kflab-dark"
        self.follower = RunFollower(run_dir, self)

    def compose(self) -> ComposeResult:
        yield TrainingPane()

    def on_run_updated(self, event: RunUpdated) -> None:
        self.query_one(TrainingPane).show_run(event.state, event.status)


async def _stalls(run_dir: Path, last_epoch: int) -> None:
    app = _Watching(run_dir)
    gaps: list[float] = []
    async with app.run_test(size=(120, 40)):
        start = before = time.perf_counter()
        app.follower.start()
        while app.follower.state.epochs_done < last_epoch:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append((now - before) * 1e3)
            before = now
        app.follower.stop()
        quantile = statistics.quantiles(gaps, n=100)[-1]
        longest = f"{quantile:.0f} ms (99 %), {max(gaps):.0f} ms at most"
        _say(f"opened in {before - start:.1f} s; keys waited {longest}")


def main() -> None:
    """Runs both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=200_000)
    asked = parser.parse_args()
    random.seed(1)
    redraw(asked.points)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_stalls(_long_run(Path(folder), asked.events), EPOCHS))


if __name__ == "__main__":
    main()
