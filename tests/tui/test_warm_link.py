"""When the lab keeps a trainer at hand, and how it tells of one that is ready."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from kflab.runs import warm_keeping
from kflab.runs.warm import WarmTrainer
from kflab.settings import change_settings
from kflab.tui.headless import screen_text
from kflab.tui.warm_link import WarmLink
from tests.tui.conftest import OpenLab, lab_of, wait_for_text


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The backends that trainers were started for; none really is."""
    started: list[str] = []

    def start(backend: str, on_change: object) -> WarmTrainer:
        started.append(backend)
        raise OSError("not in this test")

    monkeypatch.setenv("KFLAB_CONFIG_DIR", str(tmp_path))
    monkeypatch.setattr(warm_keeping, "WarmTrainer", start)
    monkeypatch.setattr(warm_keeping, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(warm_keeping, "PATIENCE", 0.0)
    monkeypatch.setattr(warm_keeping, "MEMORY_TO_START", 0)
    return started


async def kept() -> None:
    link = WarmLink(SimpleNamespace(trainer_ready=False), "jax")  # type: ignore[arg-type]
    await asyncio.to_thread(link.keeper._thread.join)
    await link.close()


async def test_one_is_kept_unless_the_settings_are_against_it(started: list[str], tmp_path: Path) -> None:
    await kept()
    assert started == ["jax"]
    change_settings({"warm_trainer": False})
    await kept()
    assert started == ["jax"]
    (tmp_path / "settings.yaml").write_text("warm_trainer: perhaps\n")
    await kept()
    assert started == ["jax"]


async def test_without_a_terminal_none_is_kept(open_lab: OpenLab, started: list[str]) -> None:
    async with open_lab() as pilot:
        assert lab_of(pilot).warm is None


async def test_the_header_tells_of_one_that_is_ready(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        assert "trainer ready" not in screen_text(pilot.app)
        lab_of(pilot).trainer_ready = True
        await wait_for_text(pilot, "trainer ready")
        lab_of(pilot).trainer_ready = False
        await pilot.pause()
        assert "trainer ready" not in screen_text(pilot.app)
