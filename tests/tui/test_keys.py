"""The table of keys: what is in it works, and everything is made from it."""

from __future__ import annotations

import pytest

from kflab.tui import keys
from kflab.tui.headless import screen_text
from kflab.tui.keys import COMMANDS, Pane, Place, Situation
from kflab.tui.screens.choose import Choose
from kflab.tui.screens.cost import CostScreen
from kflab.tui.screens.lab import LabScreen
from kflab.tui.screens.quick_add import QuickAdd
from kflab.tui.screens.runs import RunsScreen
from kflab.tui.widgets.data import DataPane
from kflab.tui.widgets.form_rows import FormRows
from kflab.tui.widgets.predict import PredictPane
from kflab.tui.widgets.problems import ProblemRows
from kflab.tui.widgets.rowlist import RowList
from kflab.tui.widgets.steering import TrainingArea
from tests.tui.conftest import OpenLab, type_text, wait_for, wait_for_lab, wait_for_text

TAKEN = {f"ctrl+{letter}" for letter in "abhijmsz"}
"""What terminals, tmux and screen take for themselves."""

OWNERS = {
    Place.LAB: LabScreen,
    Place.ROWS: RowList,
    Place.FORM: FormRows,
    Place.PROBLEMS: ProblemRows,
    Place.COST: CostScreen,
    Place.DATA: DataPane,
    Place.PREDICT: PredictPane,
    Place.TRAIN: TrainingArea,
    Place.RUNS: RunsScreen,
    Place.DIALOG: Choose,
    Place.QUICK_ADD: QuickAdd,
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.place.name}-{command.action}")
def test_every_command_has_its_action_and_its_words(command: keys.Command) -> None:
    assert callable(getattr(OWNERS[command.place], f"action_{command.action.partition('(')[0]}"))
    assert command.help.endswith(".")
    assert not TAKEN & set(command.keys)


@pytest.mark.parametrize("place", Place)
def test_no_key_means_two_things_in_one_place(place: Place) -> None:
    listened = [key for command in keys.commands(place) for key in command.keys]
    assert len(listened) == len(set(listened))


@pytest.mark.parametrize("place", Place)
def test_every_key_is_bound(place: Place) -> None:
    bound = OWNERS[place]._merged_bindings
    assert bound is not None
    for command in keys.commands(place):
        for key in command.keys:
            assert any(command.action == binding.action for binding in bound.key_to_bindings[key])


async def test_help_has_every_key_with_its_sentence(open_lab: OpenLab) -> None:
    async with open_lab((120, 300)) as pilot:
        await pilot.press("question_mark")
        await wait_for_text(pilot, "In the lab")
        seen = " ".join(screen_text(pilot.app).replace("│", " ").split())
        for command in COMMANDS:
            assert command.help in seen
            for key in command.keys:
                assert f"{keys.key_text(key)} " in seen
        await pilot.press("escape")
        await wait_for_lab(pilot)


async def test_palette_lists_only_what_applies(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("ctrl+p")
        await wait_for_text(pilot, "Commands")
        assert "Run: Stop" not in screen_text(pilot.app)
        assert "Node: Rename" in screen_text(pilot.app)
        await type_text(pilot, "setup")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for_text(pilot, "optimizer")


async def test_letters_act_on_what_has_the_focus(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("3")
        await wait_for_text(pilot, "optimizer")
        before = pilot.app.session  # type: ignore[attr-defined]
        await pilot.press("d", "x", "r")
        await pilot.pause()
        assert pilot.app.session is before  # type: ignore[attr-defined]
        assert isinstance(pilot.app.screen, LabScreen)


async def test_every_key_of_the_footer_fits_and_help_is_always_there(open_lab: OpenLab) -> None:
    for size in ((60, 16), (80, 24), (120, 40)):
        async with open_lab(size) as pilot:
            await wait_for(pilot, lambda: "? Help" in screen_text(pilot.app).splitlines()[-1])


def test_footer_shows_stop_only_while_training() -> None:
    idle = {command.action for command in keys.footer(Situation(pane=Pane.GRAPH, node=True))}
    busy = {command.action for command in keys.footer(Situation(pane=Pane.GRAPH, node=True, training=True))}
    assert "train" in idle
    assert "stop" not in idle
    assert "stop" in busy
    assert "train" not in busy
