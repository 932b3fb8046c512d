"""The data pane: figures, samples to leaf through, one class alone, and what stands in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.looks import Asked, Look, Picture, Points, Sample
from kflab.catalog.profiles import ArrayProfile, Bin, ClassCount, Profile
from kflab.runs.listing import list_runs
from kflab.runs.surface import SURFACE, Surface
from kflab.tui.headless import screen_text
from kflab.tui.keys import Pane
from kflab.tui.screens.lab import LabScreen
from kflab.tui.widgets.data import DataPane
from tests.tui.conftest import BRANCHES, OpenLab, lab_of, wait_for, wait_for_text

CLASSES = ("zero", "one")
IMAGE = ArrayProfile("image", "float32", (8, 8, 1), 90, 0.0, 1.0, 0.3, 0.2, histogram=(Bin(0, 1, 90),))
DIGIT = ArrayProfile("digit", "int32", (), 90, classes=tuple(ClassCount(name, 45) for name in CLASSES))
PROFILE = Profile(
    DatasetInfo(
        "digits",
        Origin.BUNDLED,
        "small digits",
        (ArrayInfo("image", (8, 8, 1)),),
        (TargetInfo("digit", TargetKind.CLASSES, classes=2, labels=CLASSES),),
    ),
    raw={"image": IMAGE, "digit": DIGIT},
    fed={"image": IMAGE, "digit": DIGIT},
    train=80,
    validation=10,
)


class StubSamples:
    """Answers like the process that looks at data, with 90 samples of two classes."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def look(self, asked: Asked) -> Look:
        self.asked.append(asked)
        await self.hold.wait()
        rows = [row for row in range(90) if not asked.label or CLASSES[row % 2] == asked.label]
        chosen = rows[asked.skip : asked.skip + asked.samples]
        picture = Picture(8, 8, 1, bytes(range(0, 256, 4)))
        return Look(
            samples=tuple(
                Sample(row, {"image": picture}, labels={"digit": CLASSES[row % 2]}) for row in chosen
            ),
            of=len(rows),
        )


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, seen: dict[str, Look]) -> StubSamples:
    found = StubSamples()
    seen["digits"] = Look(PROFILE)
    monkeypatch.setattr("kflab.tui.actions.data.look", found.look)
    return found


def shown(pilot: object) -> list[int]:
    """The numbers of the samples that are on the screen."""
    text = lab_of(pilot).screen.query_one(DataPane).text  # type: ignore[arg-type]
    return [int(word[1:]) for word in text.split() if word.startswith("#")]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_figures_come_first(open_lab: OpenLab, stub: StubSamples, size: tuple[int, int]) -> None:
    async with open_lab(size) as pilot:
        await pilot.press("L")
        await wait_for_text(pilot, "80 to train on")
        for words in ("Data · digits", "8×8×1", "classes of digit", "zero ██", "80 training samples"):
            assert words in screen_text(pilot.app)
        await pilot.press("L")
        screen = pilot.app.screen
        assert isinstance(screen, LabScreen)
        await wait_for(pilot, lambda: screen.pane is Pane.NODE)


async def test_samples_are_leafed_through_and_back(open_lab: OpenLab, stub: StubSamples) -> None:
    async with open_lab() as pilot:
        await pilot.press("L")
        await wait_for_text(pilot, "80 to train on")
        await pilot.press("enter")
        await wait_for_text(pilot, "▀")
        first = shown(pilot)
        assert first[:2] == [0, 1]
        assert f"1–{len(first)} of 90" in screen_text(pilot.app)
        await pilot.press("right")
        await wait_for(pilot, lambda: shown(pilot)[:1] == [len(first)])
        await pilot.press("left")
        await wait_for(pilot, lambda: shown(pilot) == first)
        seen_rows: list[int] = []
        while not seen_rows or seen_rows[-1] < 89:
            seen_rows += shown(pilot)
            await pilot.press("right")
            last = seen_rows[-1]
            await wait_for(pilot, lambda last=last: last == 89 or shown(pilot)[:1] == [last + 1])
        assert seen_rows == list(range(90))
        await pilot.press("right")
        assert shown(pilot)[-1] == 89


async def test_one_class_is_shown_alone(open_lab: OpenLab, stub: StubSamples) -> None:
    async with open_lab() as pilot:
        await pilot.press("L")
        await wait_for_text(pilot, "80 to train on")
        await pilot.press("right_square_bracket", "right_square_bracket")
        await wait_for_text(pilot, "of class one")
        assert shown(pilot)[:3] == [1, 3, 5]
        await pilot.press("right_square_bracket")
        await wait_for_text(pilot, "of 90")


async def test_samples_of_other_data_are_not_shown(open_lab: OpenLab, stub: StubSamples) -> None:
    stub.hold.clear()
    async with open_lab() as pilot:
        await pilot.press("L", "enter")
        await wait_for_text(pilot, "Fetching samples")
        lab = lab_of(pilot)
        data = msgspec.structs.replace(lab.now.experiment.data, source="iris")
        lab.put(lab.now.edited_to(msgspec.structs.replace(lab.now.experiment, data=data), "other data"))
        await wait_for_text(pilot, "not in this test")
        stub.hold.set()
        await pilot.pause()
        assert shown(pilot) == []


async def test_what_stands_in_the_way_is_said(
    open_lab: OpenLab, stub: StubSamples, seen: dict[str, Look], experiment_file: Path
) -> None:
    seen["mnist"] = Look(error="mnist is not on this machine yet", missing=11_000_000)
    experiment_file.write_text(BRANCHES.replace("digits", "mnist"))
    async with open_lab() as pilot:
        await pilot.press("L")
        await wait_for_text(pilot, "mnist is not on this machine yet")
        assert not stub.asked


async def test_without_data_the_pane_says_where_it_is_chosen(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    experiment_file.write_text(BRANCHES.replace("data: {source: digits}\n", ""))
    async with open_lab() as pilot:
        await pilot.press("L")
        await wait_for_text(pilot, "No data is chosen yet")


async def test_the_surface_of_a_run_is_shown_beside_its_curves(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path
) -> None:
    stub_trainer("--epochs", "3", "--pace", "0.001")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "done ─ 3 epochs")
        await pilot.press("4", "B")
        await wait_for_text(pilot, "Only a model with one input")
        points = Points((0.0, 1.0), (0.0, 1.0), (0, 1), ("inner", "outer"))
        surface = Surface(7, 2, 1, -1.0, 2.0, -1.0, 2.0, bytes([0, 1]), bytes([255, 0]), points)
        run_dir = Path(list_runs(runs_dir)[0].path)
        (run_dir / SURFACE).write_bytes(msgspec.json.encode(surface))
        await pilot.press("B")
        await wait_for_text(pilot, "epoch 7")
        assert "• inner" in screen_text(pilot.app)
        assert "loss" in screen_text(pilot.app)
        await pilot.press("B")
        await wait_for(pilot, lambda: "epoch 7" not in screen_text(pilot.app))


def test_a_surface_that_is_no_surface_is_none(tmp_path: Path) -> None:
    from kflab.runs.surface import read_surface

    assert read_surface(tmp_path) is None
    for torn in (b"", b"{", b"{}", b"[]"):
        (tmp_path / SURFACE).write_bytes(torn)
        assert read_surface(tmp_path) is None
    points = Points((0.0,), (0.0,), (0,))
    wrong = Surface(1, 3, 3, 0.0, 1.0, 0.0, 1.0, bytes(8), bytes(9), points)
    (tmp_path / SURFACE).write_bytes(msgspec.json.encode(wrong))
    assert read_surface(tmp_path) is None
    right = msgspec.structs.replace(wrong, classes=bytes(9))
    (tmp_path / SURFACE).write_bytes(msgspec.json.encode(right))
    assert read_surface(tmp_path) == right
