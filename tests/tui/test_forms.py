"""Forms in the lab: nested arguments, what is missing, and keys that come in one burst."""

from __future__ import annotations

from textual import events
from textual.pilot import Pilot

from kflab.graph.nodes import Layer
from kflab.tui.headless import screen_text
from kflab.tui.widgets.form import EditLine, Form
from kflab.tui.widgets.form_rows import FormRows
from kflab.values import Arguments
from tests.tui.conftest import (
    OpenLab,
    graph_of,
    lab_of,
    type_text,
    wait_for,
    wait_for_lab,
    wait_for_text,
)


def burst(pilot: Pilot[None], *keys: str) -> None:
    """Keys that the terminal hands over all at once."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))


def arguments_of(pilot: Pilot[None], name: str) -> Arguments:
    target = graph_of(pilot).nodes[name].target
    assert isinstance(target, Layer)
    return target.arguments


async def go_to(pilot: Pilot[None], *key: str) -> None:
    form = next(form for form in pilot.app.screen.query(Form) if form.has_focus_within)
    await pilot.press("home")
    for _ in form.rows:
        if form.current is not None and form.current.key == key:
            return
        await pilot.press("down")
    raise AssertionError(f"no row {key!r}")


def typing(pilot: Pilot[None]) -> bool:
    return isinstance(pilot.app.screen.focused, EditLine)


async def test_keys_of_one_burst_go_where_the_ones_before_have_led(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        burst(pilot, "home", "down", "r", *"north", "enter", "down", "r", *"south", "enter")
        await wait_for(pilot, lambda: "south" in graph_of(pilot).nodes, "the second name")
        assert list(graph_of(pilot).nodes)[1:3] == ["north", "south"]
        await wait_for_lab(pilot)


async def test_a_value_is_typed_in_the_burst_that_opens_its_line(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "enter")
        await go_to(pilot, "arguments", "filters")
        burst(pilot, "enter", *"48", "enter", "down", "enter", *"7,7", "enter")
        await wait_for(pilot, lambda: arguments_of(pilot, "left")["kernel_size"] == [7, 7])
        assert arguments_of(pilot, "left")["filters"] == 48


async def test_an_object_is_opened_set_inside_and_put_back(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        before = lab_of(pilot).now.experiment
        await pilot.press("home", "down", "enter")
        await go_to(pilot, "arguments", "kernel_initializer")
        assert "seed" not in screen_text(pilot.app)
        await pilot.press("right", "down", "enter")
        await wait_for(pilot, lambda: typing(pilot), "the line of the seed")
        await type_text(pilot, "much")
        await pilot.press("enter")
        await wait_for_text(pilot, "expected a whole number, or none, got much")
        assert typing(pilot)
        await pilot.press(*["backspace"] * 4)
        await type_text(pilot, "7")
        await pilot.press("enter")
        await wait_for(pilot, lambda: "kernel_initializer" in arguments_of(pilot, "left"))
        assert arguments_of(pilot, "left")["kernel_initializer"] == {"glorot_uniform": {"seed": 7}}
        assert lab_of(pilot).now.history.done[-1].name == "set kernel_initializer.seed of left"
        await pilot.press("backspace")
        await wait_for(pilot, lambda: lab_of(pilot).now.experiment == before)
        await pilot.press("left", "left")
        await wait_for(pilot, lambda: "seed" not in screen_text(pilot.app))


async def test_a_schedule_asks_for_what_it_needs_and_keeps_the_rate(open_lab: OpenLab) -> None:
    async with open_lab((80, 24)) as pilot:
        await pilot.press("g")
        await go_to(pilot, "optimizer", "learning_rate")
        await pilot.press("enter")
        await wait_for_text(pilot, "type to filter, or a value")
        await type_text(pilot, "0.02")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert lab_of(pilot).now.experiment.training.optimizer.arguments["learning_rate"] == 0.02
        await pilot.press("enter")
        await wait_for_text(pilot, "type to filter, or a value")
        await type_text(pilot, "cosinedecay")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: typing(pilot), "the line for the steps")
        await type_text(pilot, "500")
        await pilot.press("enter")
        schedule = {"CosineDecay": {"initial_learning_rate": 0.02, "decay_steps": 500}}
        await wait_for(
            pilot,
            lambda: lab_of(pilot).now.experiment.training.optimizer.arguments["learning_rate"] == schedule,
        )


async def test_what_is_typed_wrong_into_a_list_stays_there_with_the_reason(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "enter")
        await go_to(pilot, "arguments", "kernel_initializer")
        await pilot.press("enter")
        await wait_for_text(pilot, "type to filter, or a value")
        await type_text(pilot, "HeNormal(seed=much)")
        await pilot.press("enter")
        await wait_for_text(pilot, "expected a whole number, or none, got much")
        assert "HeNormal(seed=much)" in screen_text(pilot.app)
        await pilot.press(*["backspace"] * 5, "5", ")", "enter")
        await wait_for_lab(pilot)
        assert arguments_of(pilot, "left")["kernel_initializer"] == {"HeNormal": {"seed": 5}}


async def test_the_mark_of_a_row_opens_it_with_the_mouse(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "enter")
        await go_to(pilot, "arguments", "kernel_initializer")
        rows = pilot.app.screen.query_one("#node FormRows")
        assert isinstance(rows, FormRows)
        await pilot.click(rows, offset=(1, rows.cursor - rows.scroll_offset.y))
        await wait_for(pilot, lambda: "seed" in screen_text(pilot.app), "the seed")
        assert not typing(pilot)
        await pilot.click(rows, offset=(1, rows.cursor - rows.scroll_offset.y))
        await wait_for(pilot, lambda: "seed" not in screen_text(pilot.app))
