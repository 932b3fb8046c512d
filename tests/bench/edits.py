"""How long an edit takes until shapes, parameters and marks are fresh: `python -m tests.bench.edits`.

`stages` times each step in this one process: what costs how much. `lab` edits in the real lab with its engine
in a process of its own and waits until the screen is drawn again: what a person waits for. The edits are of
single nodes at random: other arguments, nodes added, deleted, renamed, outputs marked. Every other one takes
the last back, so that each meets the graph as it was.

    python -m tests.bench.edits [stages|lab] [resnet50|175|1000|huge ...] [--cpu] [--hogs 2] [--profile]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import gc
import pstats
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
from rich.console import RenderableType
from textual.screen import Screen

from kflab import catalog, document
from kflab.catalog import Kind
from kflab.engine.protocol import Inspect, Inspected
from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph import edits
from kflab.graph.edited import Edited, EditRefusedError
from kflab.graph.history import History
from kflab.graph.nodes import Graph, Layer, Node
from kflab.tui.opening import situated
from kflab.tui.session import Session
from tests.bench.graphs import residual

EDITS = 200
SIZES = {"Conv2D": "filters", "Dense": "units"}


def huge() -> Experiment:
    """A graph of 160 billion parameters."""
    wide = Node(Layer("Dense", {"units": 400_000}), ("x",))
    nodes = {"x": Node(Layer("Input", {"shape": [400_000]})), "wide": wide}
    return Experiment(data=Data(source="digits"), model=Graph(nodes=nodes, outputs=("wide",)))


def resnet50() -> Experiment:
    """Keras' own ResNet50, as `kflab import` brings it in."""
    from kflab.cli import run

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet50.yaml"
        assert run(["import", "applications:ResNet50", "-o", str(path)]) == 0
        return document.read(path)


GRAPHS: dict[str, Callable[[], Experiment]] = {
    "resnet50": resnet50,
    "175": lambda: residual(175),
    "1000": lambda: residual(1000),
    "huge": huge,
}


def trained(experiment: Experiment) -> Experiment:
    """The experiment with a loss, so that all that is checked before a run is checked."""
    training = Training(optimizer=Spec("Adam"), loss={"": Spec("SparseCategoricalCrossentropy")})
    data = Data(source="digits")
    return msgspec.structs.replace(experiment, training=training, data=data)


class Editor:
    """Edits single nodes at random, always the same ones."""

    def __init__(self) -> None:
        self._draw = random.Random(1)
        self._count = 0

    def edit(self, experiment: Experiment) -> Edited:
        """One edit that is not refused."""
        while True:
            self._count += 1
            name = self._draw.choice(list(experiment.model.nodes))
            kind = self._draw.choices(("size", "add", "delete", "rename", "output"), (12, 3, 2, 2, 1))[0]
            try:
                edited = self._edit(experiment, name, kind)
            except EditRefusedError:
                continue
            if edited is not None and edited.experiment is not experiment:
                return edited

    def _edit(self, experiment: Experiment, name: str, kind: str) -> Edited | None:
        node = experiment.model.nodes[name]
        if kind == "size":
            layer = node.target.layer if isinstance(node.target, Layer) else ""
            if layer not in SIZES:
                return None
            return edits.set_argument(experiment, "", name, SIZES[layer], 100 + self._count)
        if kind == "add":
            return edits.add_after(experiment, "", name, Layer("Activation", {"activation": "relu"}))
        if kind == "delete":
            return None if node.is_input else edits.delete(experiment, "", name)
        if kind == "rename":
            return edits.rename(experiment, "", name, f"renamed_{self._count}")
        return edits.toggle_output(experiment, "", name)


def show(what: str, times: list[float]) -> None:
    """Prints median, 95th percentile and worst of times in seconds."""
    times = sorted(times)
    middle, late = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    figures = {"median": middle, "p95": late, "worst": times[-1]}
    shown = "   ".join(f"{name} {value * 1e3:7.1f} ms" for name, value in figures.items())
    sys.stdout.write(f"{what:44s} {shown}\n")
    sys.stdout.flush()


class Stages:
    """Seconds by the name of the step."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.times: dict[str, list[float]] = {}
        self._clock = clock

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Times a step."""
        begin = self._clock()
        yield
        self.add(name, self._clock() - begin)

    def add(self, name: str, seconds: float) -> None:
        """Notes how long a step took."""
        self.times.setdefault(name, []).append(seconds)

    def show(self, what: str) -> None:
        """Prints every step and their sum."""
        for name, times in self.times.items():
            show(f"{what}: {name}", times)
        show(f"{what}: all of it", [sum(times) for times in zip(*self.times.values(), strict=True)])


def stages(
    what: str, experiment: Experiment, profile: cProfile.Profile | None, clock: Callable[[], float]
) -> None:
    """Times the steps of the edits in this process."""
    from kflab.engine.inspect import Inspector

    inspector, editor, timed = Inspector(), Editor(), Stages(clock)
    catalog.load().names(Kind.LAYER)
    requests, remembered = msgspec.json.Decoder(Inspect), document.Remembered()
    replies = msgspec.json.Decoder(Inspected)
    session = situated(Session(history=History(experiment)))
    session = situated(session.told(inspector.inspect(experiment), experiment))
    before = psutil.Process().memory_info().rss
    gc.collect()
    gc.freeze()  # as the lab and the engine do
    gc.set_threshold(20_000, 20, 20)
    for number in range(EDITS):
        edited = editor.edit(session.experiment) if not number % 2 else None
        with timed.of("session"):
            session = session.edited(edited) if edited is not None else session.undone()
        if profile is not None:
            profile.enable()
        with timed.of("findings and rows before the answer"):
            session = situated(session)
            _rows(session)
        with timed.of("document"):
            line = msgspec.json.encode(Inspect(number, document.encode(session.experiment)))
        with timed.of("engine: document"):
            received = document.decode(requests.decode(line).document, remembered=remembered)
        with timed.of("engine: inspect"):
            report = inspector.inspect(received)
        with timed.of("report"):
            answer = replies.decode(msgspec.json.encode(Inspected(number, report, 0.0)))
        with timed.of("findings and rows"):
            session = situated(session.told(answer.report, session.experiment))
            _rows(session)
        if profile is not None:
            profile.disable()
    timed.show(what)
    grown = psutil.Process().memory_info().rss - before
    sys.stdout.write(f"{what}: memory grown by {grown / 1e6:.0f} MB\n")
    assert grown < 500e6, "something was allocated"


def _rows(session: Session) -> None:
    """What the panes are drawn from."""
    assert session.picture.lines
    session.marks()
    session.notes()
    assert session.stale in {True, False}


async def lab(what: str, experiment: Experiment, profile: cProfile.Profile | None) -> None:
    """Edits in the real lab and waits until the screen is drawn again."""
    from kflab.tui.app import Lab

    class Watched(Lab):
        drawn = 0.0

        def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
            super()._display(screen, renderable)
            if renderable is not None:
                self.drawn = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.yaml"
        document.write(experiment, path)
        app, editor, timed = Watched(path, colors="truecolor"), Editor(), Stages()
        async with app.run_test(size=(120, 40)) as pilot:
            while app.session is None or app.session.stale:
                await pilot.pause(0.05)
            (engine,) = psutil.Process().children()
            fresh = asyncio.Event()
            app.watch(app, "session", lambda session: None if session.stale else fresh.set(), init=False)
            for number in range(EDITS):
                edited = editor.edit(app.now.experiment) if not number % 2 else None
                if profile is not None:
                    profile.enable()
                fresh.clear()
                busy, engine_busy, begin = time.process_time(), _cpu(engine), time.perf_counter()
                with timed.of("until the answer"):
                    app.put(app.now.edited(edited) if edited is not None else app.now.undone())
                    await fresh.wait()
                drawn = 0.0
                while drawn != app.drawn:  # until nothing is drawn any more
                    drawn = app.drawn
                    await asyncio.sleep(0.05)
                timed.add("until it is drawn", drawn - begin)
                timed.add("processor time of the lab", time.process_time() - busy)
                timed.add("processor time of the engine", _cpu(engine) - engine_busy)
                if profile is not None:
                    profile.disable()
            app.give_up()
    for name, times in timed.times.items():
        show(f"{what}: {name}", times)


def _cpu(process: psutil.Process) -> float:
    """Seconds that a process has computed, to the nanosecond where the system tells them."""
    with contextlib.suppress(OSError, ValueError):
        tasks = Path(f"/proc/{process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", nargs="?", choices=("stages", "lab"), default="stages")
    parser.add_argument("graphs", nargs="*", default=["175", "1000", "huge"])
    parser.add_argument("--hogs", type=int, default=0, help="processes that keep a core busy meanwhile")
    parser.add_argument("--cpu", action="store_true", help="time the processor: for a machine that is busy")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_intermixed_args()
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(asked.hogs)]
    try:
        for name in asked.graphs:
            profile = cProfile.Profile() if asked.profile else None
            experiment = trained(GRAPHS[name]())
            what = f"{name} ({len(experiment.model.nodes)} nodes)"
            if asked.mode == "stages":
                stages(what, experiment, profile, time.process_time if asked.cpu else time.perf_counter)
            else:
                asyncio.run(lab(what, experiment, profile))
            if profile is not None:
                pstats.Stats(profile).sort_stats("cumtime").print_stats("kflab|compositor|screen.py", 40)
    finally:
        for hog in hogs:
            hog.kill()


if __name__ == "__main__":
    main()
