"""What the cost says in words, before anything has run and after a smoke step."""

from __future__ import annotations

import msgspec
import pytest

from kflab import document, presets
from kflab.diagnose.findings import Finding
from kflab.engine.protocol import (
    Cost,
    GraphReport,
    LayerCost,
    Memory,
    NodeReport,
    Report,
    Smoked,
    SmokeResult,
    Totals,
)
from kflab.graph.history import History
from kflab.tui.cost_text import Line, cost_lines, loss_words, most_costly, node_lines, smoke_lines, span_text
from kflab.tui.session import Session

EXPERIMENT = document.read(presets.path("digits_branches"))
BARE = Session(history=History(EXPERIMENT))
RESULT = SmokeResult(0.0123, 1.5, 2.31, 2.3026, 23, 0.9, 18.0, 210_000_000, "cpu")


def told(cost: Cost) -> Session:
    nodes = {name: NodeReport("Conv2D") for name in EXPERIMENT.model.nodes}
    return BARE.told(Report(GraphReport(nodes, Totals(906, 900, 6)), cost=cost), EXPERIMENT)


def text(lines: list[Line]) -> str:
    return "\n".join("".join(words for words, _ in line) for line in lines)


def parts(lines: list[Line], part: str) -> str:
    return " ".join(words for line in lines for words, drawn in line if drawn == part)


KNOWN = Cost(
    Memory(3600, 3600, 7200, 2_000_000, 16_000),
    8_000_000,
    "gpu:0",
    1_200_000,
    tuple(LayerCost(name, at * 100_000, at * 1000) for at, name in enumerate(EXPERIMENT.model.nodes)),
)


def test_figures_that_are_not_known_are_dashes() -> None:
    for session in (BARE, told(Cost())):
        shown = text(cost_lines(session, 80))
        assert "–" in shown
        assert "0 B" not in shown
        assert "%" not in shown


def test_amounts_end_in_the_same_place_and_the_bar_tells_the_share() -> None:
    lines = cost_lines(told(KNOWN), 80)
    drawn = text(lines).splitlines()
    ends = {
        line.index(unit) + len(unit) for line in drawn[1:7] for unit in (" kB", " MB") if unit in line[:34]
    }
    assert len(ends) == 1
    assert "2.0 MB" in drawn[6]
    assert "of 8.0 MB on gpu:0" in drawn[6]
    assert "25%" in drawn[7]
    assert "906 parameters, 900 of them trained" in drawn[1]


@pytest.mark.parametrize("width", [40, 56, 74, 88])
def test_no_line_is_wider_than_there_is_room(width: int) -> None:
    odd = msgspec.structs.replace(RESULT, loss=57.0)
    measured = told(KNOWN).measured(Smoked(0, odd), EXPERIMENT)
    drawn = [
        *cost_lines(measured, width),
        *smoke_lines(measured, width, running=None),
        *node_lines(measured, width),
    ]
    assert max(map(len, text(drawn).splitlines())) <= max(width, 52)
    assert all(word in text(drawn) for word in ("trained", "loss?"))


@pytest.mark.parametrize(("share", "part"), [(0.5, "accent"), (0.9, "warning"), (1.4, "error")])
def test_a_device_that_is_too_small_is_told(share: float, part: str) -> None:
    cost = msgspec.structs.replace(KNOWN, available=round(KNOWN.memory.total / share))
    lines = cost_lines(told(cost), 80)
    assert "━" in parts(lines, part)
    assert f"{round(100 * share)}%" in text(lines)


def test_the_most_costly_nodes_lead_by_work_or_by_memory() -> None:
    cost = Cost(flops=100, nodes=(LayerCost("wide", 10, 900), LayerCost("deep", 80, 50), LayerCost("free")))
    assert [node.node for node in most_costly(cost)] == ["wide", "deep"]
    assert "and 1 node more" in text(node_lines(told(cost), 80))


def test_a_smoke_step_is_offered_made_and_told() -> None:
    assert "K runs one real batch" in text(smoke_lines(BARE, 80, running=None))
    assert "3 s" in text(smoke_lines(BARE, 80, running=3.0))
    measured = BARE.measured(Smoked(0, RESULT), EXPERIMENT)
    shown = text(smoke_lines(measured, 80, running=None))
    for words in (
        "12 ms",
        "1.5 s",
        "2.310",
        "near what chance gives",
        "23 steps",
        "18 s",
        "20 epochs",
        "210 MB",
    ):
        assert words in shown
    changed = msgspec.structs.replace(EXPERIMENT, title="other")
    edited = measured.edited_to(changed, "edit")
    assert "the experiment has changed since" in text(smoke_lines(edited, 80, running=None))


def test_why_a_smoke_step_failed_is_told() -> None:
    assert "no engine" in text(smoke_lines(BARE, 80, running=None, problem="no engine"))
    refused = BARE.measured(Smoked(0, findings=(Finding("does not fit", node="digit"),)), EXPERIMENT)
    assert "digit: does not fit" in text(smoke_lines(refused, 80, running=None))


@pytest.mark.parametrize(
    ("loss", "chance", "words", "part"),
    [
        (None, 2.3, "no finite number", "error"),
        (2.4, 2.3, "near what chance gives", ""),
        (57.0, 2.3, "are the inputs scaled", "warning"),
        (0.2, 2.3, "below what chance gives", ""),
        (0.2, None, "", ""),
    ],
)
def test_the_first_loss_is_held_against_chance(
    loss: float | None, chance: float | None, words: str, part: str
) -> None:
    _, said, drawn = loss_words(msgspec.structs.replace(RESULT, loss=loss, chance=chance))
    assert words in said
    assert drawn == part


def test_short_spans_are_told_in_milliseconds() -> None:
    assert [span_text(seconds) for seconds in (0.0004, 0.0032, 0.32, 12)] == [
        "0.4 ms",
        "3.2 ms",
        "320 ms",
        "12 s",
    ]
