"""The view of what training will cost, and the smoke step that measures it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from textual.pilot import Pilot

from kflab.engine.client import EngineError
from kflab.engine.protocol import Cost, Memory, Report, Smoked
from kflab.tui.app import Lab
from kflab.tui.headless import screen_text
from kflab.tui.screens.cost import CostScreen
from kflab.values import Value
from tests.tui.conftest import OpenLab, StubEngine, lab_of, wait_for, wait_for_lab, wait_for_text


class SlowEngine(StubEngine):
    """An engine whose smoke step goes on until it is told to end."""

    made: ClassVar[list[SlowEngine]] = []

    async def smoke(self, plain: Mapping[str, Value], base: str = "") -> Smoked:
        self.made.append(self)
        await asyncio.Event().wait()
        raise AssertionError


class BrokenEngine(StubEngine):
    """An engine that can not make a smoke step, and knows what training costs."""

    async def smoke(self, plain: Mapping[str, Value], base: str = "") -> Smoked:
        raise EngineError("the engine ended by signal 9")

    async def inspect(self, plain: Mapping[str, Value]) -> Report:
        report = await super().inspect(plain)
        cost = Cost(Memory(weights=2_000_000), 8_000_000, "gpu:0", 1_000)
        return Report(report.model, report.models, report.findings, cost)


async def opened(pilot: Pilot[None], lab: Lab) -> None:
    await wait_for(pilot, lambda: lab.session and not lab.session.stale, "the answer of the engine")
    await pilot.press("K")
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, CostScreen))
    await wait_for_text(pilot, "Memory of training")


async def test_a_smoke_step_is_made_on_the_same_key_and_remembered(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await opened(pilot, lab_of(pilot))
        await wait_for_text(pilot, "K runs one real batch")
        await pilot.press("K")
        await wait_for_text(pilot, "near what chance gives, 2.30")
        await wait_for_text(pilot, "23 steps")
        await pilot.press("escape")
        await wait_for_lab(pilot)
        await pilot.press("K")
        await wait_for_text(pilot, "23 steps")
        smoked = lab_of(pilot).now.smoked
        assert smoked is not None
        assert smoked.result is not None


async def test_a_smoke_step_is_cancelled_and_its_engine_ends(experiment_file: Path, runs_dir: Path) -> None:
    SlowEngine.made.clear()
    lab = Lab(experiment_file, make_engine=SlowEngine)
    async with lab.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot, lab)
        await pilot.press("enter", "enter")
        await wait_for(pilot, lambda: SlowEngine.made)
        await wait_for_text(pilot, "esc cancel")
        await pilot.press("escape")
        await wait_for(pilot, lambda: SlowEngine.made[0].closed)
        await wait_for_text(pilot, "it was cancelled")
        assert len(SlowEngine.made) == 1
        assert lab.now.smoked is None
        await pilot.press("escape")
        await wait_for_lab(pilot)


async def test_why_there_is_no_smoke_step_is_told(experiment_file: Path, runs_dir: Path) -> None:
    lab = Lab(experiment_file, make_engine=BrokenEngine)
    async with lab.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot, lab)
        await wait_for_text(pilot, "of 8.0 MB on gpu:0")
        await wait_for_text(pilot, "25%")
        await pilot.press("K")
        await pilot.press("end")
        await wait_for_text(pilot, "the engine ended by signal 9")


async def test_an_experiment_with_errors_is_not_tried(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await pilot.press("end", "o")  # Without an output, nothing can be trained.
        await wait_for(pilot, lambda: lab.now.errors)
        await opened(pilot, lab)
        await pilot.press("K")
        await wait_for_text(pilot, "not before this is mended")
        assert "real batch, forward" not in screen_text(pilot.app)
