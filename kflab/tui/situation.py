"""Where a person is in the lab and what the keys would act on."""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec


class Pane(enum.StrEnum):
    """The panes of the lab, in the order of their digits."""

    GRAPH = "Graph"
    NODE = "Node"
    SETUP = "Setup"
    TRAIN = "Train"
    SUMMARY = "Summary"
    CODE = "Code"
    DATA = "Data"
    PROBLEMS = "Problems"
    PREDICT = "Predict"


WIDE = (110, 32)
"""The least columns and rows for all panes at once."""


def is_narrow(columns: int, rows: int) -> bool:
    """Whether a terminal has room for one pane at a time only."""
    return columns < WIDE[0] or rows < WIDE[1]


class Situation(msgspec.Struct, frozen=True):
    """What the lab is about to act on; it decides which commands apply.

    Attributes:
        pane: the pane that has the focus.
        node: a node is selected, and not a row that stands for others or is only shown.
        row: there is a row under the cursor.
        starts: the selected node is an Input.
        inputs: the selected node is called with something.
        calls: the selected node calls a nested model.
        block: the cursor stands on a fold, which stands for several nodes.
        marked: how many nodes are marked.
        models: there are nested models.
        nested: a nested model is shown.
        unsaved: something is not saved.
        undo: there is something to undo.
        redo: there is something to do again.
        training: the followed run is alive.
        run: a run is followed.
        engine_failed: there is no engine.
        problem: the list of problems has one under its cursor.
        fixable: there is a fix for what is selected.
        fixes: how many problems can be fixed safely.
        augments: training samples are augmented.
    """

    pane: Pane = Pane.GRAPH
    node: bool = False
    row: bool = False
    starts: bool = False
    inputs: bool = False
    calls: bool = False
    block: bool = False
    marked: int = 0
    models: bool = False
    nested: bool = False
    unsaved: bool = False
    undo: bool = False
    redo: bool = False
    training: bool = False
    run: bool = False
    engine_failed: bool = False
    problem: bool = False
    fixable: bool = False
    fixes: int = 0
    augments: bool = False


def on(*panes: Pane) -> Callable[[Situation], bool]:
    """A condition: one of these panes has the focus."""
    return lambda now: now.pane in panes
