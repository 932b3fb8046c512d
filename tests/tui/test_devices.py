"""Backend and device in the lab: chosen from what is there, kept in the settings, told in the header."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kflab.runs import backends, gpus
from kflab.runs.gpus import Gpu
from kflab.settings import Settings, change_settings, read_settings
from kflab.tui.screens.choose import Choose
from tests.tui.conftest import OpenLab, engine_of, lab_of, type_text, wait_for, wait_for_lab, wait_for_text

GB = 10**9
FREE = Gpu(number=0, uuid="GPU-a", title="H200", memory=140 * GB, free=139 * GB)
BUSY = Gpu(number=1, uuid="GPU-b", title="H200", memory=140 * GB, free=20 * GB, processes=1)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs and two backends, and settings of its own."""
    monkeypatch.setenv("KFLAB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setenv("KFLAB_DEVICE", "cpu")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus.Driver, "gpus", lambda self, only=None: (FREE, BUSY))
    monkeypatch.setattr(backends, "is_installed", lambda name: name != "torch")


@pytest.mark.usefixtures("machine")
async def test_what_is_there_is_offered_and_what_is_chosen_is_kept(open_lab: OpenLab) -> None:
    async with open_lab(size=(120, 40)) as pilot:
        lab, first = lab_of(pilot), engine_of(pilot)
        await pilot.press("M")
        await wait_for(pilot, lambda: isinstance(lab.screen, Choose))
        await wait_for_text(pilot, "gpu:1")
        await wait_for_text(pilot, "H200, 139 GB free")
        await wait_for_text(pilot, "jax")
        await type_text(pilot, "gpu:1")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: lab.link.engine is not first, "an engine of its own")
        assert first.closed
        assert read_settings() == Settings(device="gpu:1")
        assert os.environ["KFLAB_DEVICE"] == "gpu:1"
        await wait_for(pilot, lambda: lab.session and not lab.session.stale, "the answer of the new engine")


@pytest.mark.usefixtures("machine")
def test_what_is_not_there_is_not_offered() -> None:
    from kflab.tui.actions.devices import machine_options

    options = {str(option.value): option for option in machine_options()}
    assert [value for value in options if value.startswith("backend")] == [
        "backend=tensorflow",
        "backend=jax",
    ]
    assert [value for value, option in options.items() if option.current] == [
        "backend=tensorflow",
        "device=cpu",
    ]
    assert "busy" in options["device=gpu:1"].detail
    assert "device=gpus" in options


@pytest.mark.usefixtures("machine")
def test_a_choice_comes_before_what_was_said_at_the_start() -> None:
    from kflab.tui.actions.devices import settle

    change_settings({"disk_reserve": 3})
    settle("device", "")
    settle("backend", "jax")
    assert "KFLAB_DEVICE" not in os.environ
    assert os.environ["KERAS_BACKEND"] == "jax"
    assert read_settings() == Settings(backend="jax", disk_reserve=3)
