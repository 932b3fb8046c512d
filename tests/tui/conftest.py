"""A lab with a stub engine and a stub trainer, and a way to wait for what a person would wait for."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from textual.pilot import Pilot

from kflab import document
from kflab.catalog.looks import Asked, Look
from kflab.diagnose.findings import Finding
from kflab.diagnose.structure import structure
from kflab.engine.client import State, Status
from kflab.engine.protocol import (
    GraphReport,
    Hello,
    NodeReport,
    Report,
    Smoked,
    SmokeResult,
    Summarized,
    TensorReport,
    Totals,
)
from kflab.experiment import Experiment
from kflab.graph.nodes import Graph, Layer, Node
from kflab.runs import control
from kflab.runs.listing import list_runs
from kflab.tui.app import Lab, Recovery
from kflab.tui.headless import screen_text
from kflab.tui.layer_text import target_name
from kflab.tui.screens.lab import LabScreen
from kflab.values import Value

STUB_TRAINER = Path(__file__).parent.parent / "stubs" / "trainer.py"

OpenLab: TypeAlias = Callable[..., AbstractAsyncContextManager[Pilot[None]]]

BRANCHES = """\
kflab: 1
title: Two branches
data: {source: digits}
model:
  name: branches
  nodes:
    image:  {Input: {shape: [8, 8, 1]}}
    left:   {Conv2D: {filters: 16, kernel_size: 3, padding: same, activation: relu}, from: image}
    right:  {Conv2D: {filters: 16, kernel_size: 5, padding: same, activation: relu}, from: image}
    joined: {Concatenate: {}, from: [left, right]}
    pooled: {GlobalAveragePooling2D: {}, from: joined}  # one number a map
    digit:  {Dense: {units: 10, activation: softmax}, from: pooled}
  outputs: [digit]
training:
  optimizer: Adam
  loss: SparseCategoricalCrossentropy
  metrics: [accuracy]
  epochs: 3
"""


class StubEngine:
    """Answers at once: every node has 10 parameters and gives as many features as its units.

    `hold` keeps answers back until it is set again; `complain` adds findings about an experiment.
    """

    def __init__(self, on_status: Callable[[Status], None]) -> None:
        self.on_status = on_status
        self.asked: list[Experiment] = []
        self.closed = False
        self.hold = asyncio.Event()
        self.hold.set()
        self.complain: Callable[[Experiment], tuple[Finding, ...]] = lambda _: ()

    def start(self) -> None:
        self.on_status(Status(State.READY, Path("engine.log"), hello=Hello("tensorflow", "0", ("cpu",))))

    def restart(self) -> None:
        self.start()

    async def inspect(self, plain: Mapping[str, Value]) -> Report:
        experiment = document.decode(plain)
        self.asked.append(experiment)
        await self.hold.wait()
        return Report(
            model=_report(experiment.model),
            models={name: _report(graph) for name, graph in experiment.models.items()},
            findings=(*structure(experiment), *self.complain(experiment)),
        )

    async def summarize(self, plain: Mapping[str, Value], width: int, graph: str = "") -> Summarized:
        nodes = document.decode(plain).graph(graph).nodes
        return Summarized(0, text="\n".join(f"summary of {name}" for name in nodes))

    async def smoke(self, plain: Mapping[str, Value], base: str = "") -> Smoked:
        return Smoked(0, SmokeResult(0.012, 1.5, 2.31, 2.3, 23, 0.9, 18.0, 210_000_000, "cpu"))

    async def close(self) -> None:
        self.closed = True


def _report(graph: Graph) -> GraphReport:
    nodes = {
        name: NodeReport(
            target_name(graph, name),
            (TensorReport((None, _size(node, number)), "float32"),),
            10,
            10,
            node.inputs,
        )
        for number, (name, node) in enumerate(graph.nodes.items())
    }
    total = 10 * len(nodes)
    return GraphReport(nodes, Totals(total, total, 0, 4 * total, 16 * total))


def _size(node: Node, number: int) -> int:
    units = node.target.arguments.get("units") if isinstance(node.target, Layer) else None
    return units if isinstance(units, int) else number


def engine_of(pilot: Pilot[None]) -> StubEngine:
    """The stub that the lab asks."""
    engine = lab_of(pilot).link.engine
    assert isinstance(engine, StubEngine)
    return engine


def lab_of(pilot: Pilot[None]) -> Lab:
    """The lab."""
    assert isinstance(pilot.app, Lab)
    return pilot.app


def graph_of(pilot: Pilot[None]) -> Graph:
    """The graph that is shown."""
    return lab_of(pilot).now.graph


async def wait_for(
    pilot: Pilot[None], condition: Callable[[], object], what: str = "", seconds: float = 15
) -> None:
    """Waits until something is so; fails with the screen where it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            seen = screen_text(pilot.app) if pilot.app.is_running else "(the lab was left)"
            pytest.fail(f"{what or 'it'} never came; the screen:\n{seen}")
        await pilot.pause(0.01)


async def wait_for_text(pilot: Pilot[None], text: str) -> None:
    """Waits until a text is on the screen."""
    await wait_for(pilot, lambda: text in screen_text(pilot.app), repr(text))


async def wait_for_lab(pilot: Pilot[None]) -> None:
    """Waits until no dialog is open."""
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, LabScreen), "the end of the dialog")


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Types a text, key by key."""
    await pilot.press(*text)


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder for this test alone: what one test did not save is not offered to another."""
    folder = tmp_path / "state"
    monkeypatch.setenv("KFLAB_STATE_DIR", str(folder))
    return folder


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Look]:
    """What a lab sees in data, by its source: no process looks for it, and of others nothing is seen."""
    looks: dict[str, Look] = {}

    async def look(asked: Asked) -> Look:
        return looks.get(document.decode(asked.document).data.source, Look(error="not in this test"))

    monkeypatch.setattr("kflab.tui.profiling.look", look)
    monkeypatch.setattr("kflab.tui.profiling.PAUSE", 0)
    return looks


@pytest.fixture
def experiment_file(tmp_path: Path) -> Path:
    """A file with an experiment of two branches."""
    path = tmp_path / "branches.yaml"
    path.write_text(BRANCHES)
    return path


@pytest.fixture
def open_lab(runs_dir: Path, experiment_file: Path) -> OpenLab:
    """Opens the lab at some size, and waits until the engine has answered."""

    @asynccontextmanager
    async def opened(
        size: tuple[int, int] = (120, 40),
        path: Path = experiment_file,
        recovery: Recovery = Recovery.LEAVE,
    ) -> AsyncIterator[Pilot[None]]:
        lab = Lab(path, make_engine=StubEngine, recovery=recovery)
        async with lab.run_test(size=size, notifications=True) as pilot:
            await wait_for(pilot, lambda: lab.session and not lab.session.stale, "the answer of the engine")
            yield pilot

    return opened


@pytest.fixture
def stub_trainer(monkeypatch: pytest.MonkeyPatch, runs_dir: Path) -> Iterator[Callable[..., None]]:
    """Makes `t` start the stub trainer, with options; ends those that a test has left."""

    def use(*options: str) -> None:
        monkeypatch.setattr("kflab.runs.launch.TRAINER", (sys.executable, str(STUB_TRAINER), *options))

    yield use
    for run in list_runs(runs_dir):
        if run.status.is_alive:
            control.kill(Path(run.path))
