"""What a person does to a graph, and what they see of it."""

from __future__ import annotations

from kflab.diagnose.findings import Finding
from kflab.experiment import Experiment
from kflab.graph.nodes import Layer
from kflab.tui.headless import screen_text
from kflab.tui.widgets.graph import GraphPane
from tests.tui.conftest import (
    OpenLab,
    engine_of,
    graph_of,
    lab_of,
    type_text,
    wait_for,
    wait_for_lab,
    wait_for_text,
)


async def test_graph_shows_rails_layers_shapes_and_parameters(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        text = screen_text(pilot.app)
        left = next(line for line in text.splitlines() if "left" in line and "Conv2D" in line)
        right = next(line for line in text.splitlines() if "right" in line and "Conv2D" in line)
        assert "○─╮" in text
        assert "╯" in text
        assert "Conv2D 16 3×3 relu" in left
        assert "Conv2D 16 5×5 relu" in right
        assert left.index("Conv2D") == right.index("Conv2D")
        assert "6 nodes · 60 params" in text


async def test_add_puts_a_layer_behind_the_selected_node(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("end", "up", "a")
        await wait_for_text(pilot, "Add after pooled")
        await type_text(pilot, "dropout")
        await wait_for_text(pilot, "Applies dropout")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["dropout"].inputs == ("pooled",)
        assert graph_of(pilot).nodes["digit"].inputs == ("dropout",)
        assert lab_of(pilot).now.selected == "dropout"
        await wait_for_text(pilot, "7 nodes · 70 params")


async def test_a_branch_leaves_what_the_node_feeds_as_it_is(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        before = graph_of(pilot).nodes
        await pilot.press("end", "up", "b")
        await wait_for_text(pilot, "Branch off pooled")
        await type_text(pilot, "dropout")
        await wait_for_text(pilot, "Applies dropout")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["dropout"].inputs == ("pooled",)
        assert graph_of(pilot).nodes["digit"] == before["digit"]


async def test_connect_offers_only_what_makes_no_circle(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "down", "c")
        await wait_for_text(pilot, "Connect to right")
        dialog = screen_text(pilot.app)
        assert "joined" not in _dialog(dialog, "Connect to right")
        await type_text(pilot, "left")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["right"].inputs == ("image", "left")


def _dialog(screen: str, title: str) -> str:
    lines = screen.splitlines()
    top = next(index for index, line in enumerate(lines) if title in line)
    start = lines[top].rindex("╭", 0, lines[top].index(title))
    end = lines[top].index("╮", start)
    return "\n".join(line[start:end] for line in lines[top:])


async def test_disconnect_asks_which_of_several(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("joined"))
        await pilot.press("x")
        await wait_for_text(pilot, "Disconnect from joined")
        await pilot.press("down", "enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["joined"].inputs == ("left",)


async def test_delete_closes_the_gap_and_undo_brings_it_back(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        before = graph_of(pilot)
        lab_of(pilot).put(lab_of(pilot).now.selecting("pooled"))
        await pilot.press("d")
        await wait_for(pilot, lambda: "pooled" not in graph_of(pilot).nodes)
        assert graph_of(pilot).nodes["digit"].inputs == ("joined",)
        await pilot.press("u")
        await wait_for(pilot, lambda: graph_of(pilot) == before)
        await pilot.press("U")
        await wait_for(pilot, lambda: "pooled" not in graph_of(pilot).nodes)
        await pilot.press("u")
        await wait_for(pilot, lambda: graph_of(pilot) == before)
        await pilot.press("ctrl+r")
        await wait_for(pilot, lambda: "pooled" not in graph_of(pilot).nodes)


async def test_rename_follows_everywhere_and_says_what_is_wrong(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "r")
        await wait_for_text(pilot, "Rename left")
        await type_text(pilot, "right")
        await pilot.press("enter")
        await wait_for_text(pilot, "already a node 'right'")
        await type_text(pilot, "_eye")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: "right_eye" in graph_of(pilot).nodes)
        assert graph_of(pilot).nodes["joined"].inputs == ("right_eye", "right")


async def test_output_is_toggled(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("pooled"))
        await pilot.press("o")
        await wait_for(pilot, lambda: graph_of(pilot).outputs == ("digit", "pooled"))
        await pilot.press("o")
        await wait_for(pilot, lambda: graph_of(pilot).outputs == ("digit",))


async def test_argument_is_changed_in_place(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "enter")
        await _go_to_row(pilot, "filters")
        await pilot.press("enter")
        await type_text(pilot, "many")
        await pilot.press("enter")
        await wait_for_text(pilot, "expected")
        assert _arguments(pilot, "left")["filters"] == 16
        await pilot.press("backspace", "backspace", "backspace", "backspace")
        await type_text(pilot, "32")
        await pilot.press("enter")
        await wait_for(pilot, lambda: _arguments(pilot, "left")["filters"] == 32)
        await wait_for_text(pilot, "Conv2D 32 3×3 relu")


async def test_leaving_the_line_keeps_the_value(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "enter")
        await _go_to_row(pilot, "filters")
        await pilot.press("enter")
        await type_text(pilot, "99")
        await pilot.press("escape")
        await pilot.pause()
        assert _arguments(pilot, "left")["filters"] == 16
        assert lab_of(pilot).now.history.done == ()


async def test_choices_are_offered_switched_and_reset(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "enter")
        await _go_to_row(pilot, "padding")
        await pilot.press("space")
        await wait_for(pilot, lambda: _arguments(pilot, "left").get("padding") != "same")
        await pilot.press("backspace")
        await wait_for(pilot, lambda: "padding" not in _arguments(pilot, "left"))
        await _go_to_row(pilot, "use_bias")
        await pilot.press("space")
        await wait_for(pilot, lambda: _arguments(pilot, "left").get("use_bias") is False)
        await _go_to_row(pilot, "kernel_initializer")
        await pilot.press("enter")
        await wait_for_text(pilot, "GlorotUniform")
        await type_text(pilot, "henormal")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert _arguments(pilot, "left")["kernel_initializer"] == "HeNormal"


async def test_object_with_arguments_can_be_typed_into_the_chooser(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "enter")
        await _go_to_row(pilot, "kernel_initializer")
        await pilot.press("enter")
        await wait_for_text(pilot, "GlorotUniform")
        await type_text(pilot, "HeNormal(seed=1)")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert _arguments(pilot, "left")["kernel_initializer"] == {"HeNormal": {"seed": 1}}


async def test_finding_stands_at_its_node_in_plain_words(open_lab: OpenLab) -> None:
    def complain(experiment: Experiment) -> tuple[Finding, ...]:
        if "pooled" in experiment.model.nodes:
            return ()
        return (
            Finding("Dense expected (batch, features), got [None, 8, 8, 32].", node="digit", code="KF107"),
        )

    async with open_lab() as pilot:
        engine_of(pilot).complain = complain
        lab_of(pilot).put(lab_of(pilot).now.selecting("pooled"))
        await pilot.press("d")
        await wait_for_text(pilot, "error")
        lab_of(pilot).put(lab_of(pilot).now.selecting("digit"))
        await wait_for_text(pilot, "✗ Dense expected (batch, features)")
        row = next(line for line in screen_text(pilot.app).splitlines() if "Dense 10" in line)
        assert "✗" in row


async def test_newest_edit_wins_and_nothing_waits_for_the_engine(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        engine = engine_of(pilot)
        engine.hold.clear()
        lab_of(pilot).put(lab_of(pilot).now.selecting("pooled"))
        await pilot.press("d")
        await wait_for(pilot, lambda: "pooled" not in graph_of(pilot).nodes)
        assert lab_of(pilot).now.stale
        await pilot.press("d")
        await wait_for(pilot, lambda: len(graph_of(pilot).nodes) == 4)
        engine.hold.set()
        await wait_for(pilot, lambda: not lab_of(pilot).now.stale)
        assert engine.asked[-1].model == lab_of(pilot).now.experiment.model


async def test_an_edit_is_seen_while_the_engine_thinks(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        engine_of(pilot).hold.clear()
        pane = pilot.app.screen.query_one(GraphPane)
        lab_of(pilot).put(lab_of(pilot).now.selecting("pooled"))

        def figures(name: str) -> set[str]:
            """The colours of what stands right of a node's name on the screen."""
            lines = [pane.render_line(y) for y in range(pane.size.height)]
            line = next((line for line in lines if name in line.text), None)
            return {str(piece.style) for piece in line if piece.text.strip() == "10"} if line else set()

        fresh = figures("left")
        await pilot.press("d")
        await wait_for(pilot, lambda: not figures("pooled"), "the edit")
        await wait_for(pilot, lambda: figures("left") != fresh, "figures that look old")
        engine_of(pilot).hold.set()
        await wait_for(pilot, lambda: figures("left") == fresh, "figures that are fresh")


async def test_find_selects_a_node(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("slash")
        await wait_for_text(pilot, "Find a node")
        await type_text(pilot, "pool")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert lab_of(pilot).now.selected == "pooled"


async def _go_to_row(pilot, label: str) -> None:  # type: ignore[no-untyped-def]
    from kflab.tui.widgets.form import Form

    form = next(form for form in pilot.app.screen.query(Form) if form.has_focus_within)
    await pilot.press("home")
    for _ in form.rows:
        if form.current is not None and form.current.label == label:
            return
        await pilot.press("down")
    raise AssertionError(f"no row {label!r}")


def _arguments(pilot, name: str):  # type: ignore[no-untyped-def]
    target = graph_of(pilot).nodes[name].target
    assert isinstance(target, Layer)
    return target.arguments


async def test_a_new_layer_asks_for_what_it_needs(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("home", "down", "a")
        await wait_for_text(pilot, "Add after left")
        await type_text(pilot, "conv2d")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: _typing(pilot), "the line for filters")
        await type_text(pilot, "8")
        await pilot.press("enter")
        await wait_for(pilot, lambda: _arguments(pilot, "conv2d").get("filters") == 8)
        await wait_for(pilot, lambda: _typing(pilot), "the line for the kernel size")
        await type_text(pilot, "3,3")
        await pilot.press("enter")
        await wait_for(pilot, lambda: _arguments(pilot, "conv2d").get("kernel_size") == [3, 3])
        await wait_for(pilot, lambda: pilot.app.screen.focused and pilot.app.screen.focused.id == "graph")


def _typing(pilot) -> bool:  # type: ignore[no-untyped-def]
    from kflab.tui.widgets.form import EditLine

    return isinstance(pilot.app.screen.focused, EditLine)
