"""How busy the machine is: what is looked at, that nothing of it can disturb, and the words for it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from kflab.runs.events import DeviceUsage, Usage
from kflab.runs.gpus import Driver, Gpu
from kflab.train.usage import Observer, watch_usage
from kflab.tui.training_facts import usage_text

GB = 10**9


class StubDriver(Driver):
    """A driver of two GPUs; the second one is lost after the first look."""

    def __init__(self) -> None:
        self.looks = 0

    def gpus(self, only: object = None) -> tuple[Gpu, ...]:
        self.looks += 1
        first = Gpu(
            number=0,
            uuid="a",
            memory=24 * GB,
            free=16 * GB,
            utilisation=93.0,
            temperature=61.0,
            power=300.0,
        )
        return (first, Gpu(number=1, uuid="b"))[: 2 if self.looks < 2 else 1]


def test_the_trainer_and_its_gpus_are_looked_at() -> None:
    usage = Observer(("gpu:2", "gpu:3"), {}, StubDriver()).look()
    assert usage.memory > 10_000_000
    assert usage.memory_free > 0
    first, lost = usage.devices
    assert first == DeviceUsage("gpu:2", 93.0, 8 * GB, 24 * GB, 61.0, 300.0)
    assert lost == DeviceUsage("gpu:3")


def test_gpus_that_are_hidden_are_not_looked_at() -> None:
    assert Observer(("cpu",), {"CUDA_VISIBLE_DEVICES": "-1"}, StubDriver()).look().devices == ()


def test_events_are_written_until_the_training_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", "-1")
    written: list[Usage] = []
    came = threading.Event()

    def write(usage: Usage) -> None:
        written.append(usage)
        if len(written) == 1:
            raise OSError("No space left on device")
        came.set()

    with watch_usage(write, tmp_path, interval=0.01):
        assert came.wait(30), "a full disk does not end the looks"
    count = len(written)
    assert count >= 2
    assert not any(thread.name == "usage" for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (Usage(0.0, cpu=187.4, memory=812_000_000), "cpu 187 % · 812 MB"),
        (
            Usage(0.0, devices=(DeviceUsage("gpu:0", 93.0, 7_800_000_000, 24 * GB, 61.0),)),
            "gpu 93 % · 61 °C · 7.8/24 GB",
        ),
        (Usage(0.0, devices=(DeviceUsage("gpu:0"),)), "gpu"),
        (
            Usage(
                0.0,
                devices=(
                    DeviceUsage("gpu:0", 93.0, 7 * GB, 24 * GB, 61.0),
                    DeviceUsage("gpu:1", 40.0, 9 * GB, 24 * GB, 71.0),
                ),
            ),
            "2 gpus 40 % · 71 °C · 9.0/24 GB",
        ),
    ],
)
def test_usage_in_a_few_words(usage: Usage, text: str) -> None:
    assert usage_text(usage) == text
