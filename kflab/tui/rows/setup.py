"""The rows of the setup, one part under the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kflab.tui.rows.about import about_rows
from kflab.tui.rows.data import data_rows
from kflab.tui.rows.outputs import output_rows
from kflab.tui.rows.row import Row
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.training import callback_rows, number_rows, optimizer_rows, weight_rows

SELDOM = ("data", "more")
"""The key of the row that holds what of the data is seldom set."""

_SELDOM_KEYS = frozenset({"split", "order_by", "shuffle", "prepare", "augment"})


def setup_rows(setting: Setting) -> list[Row]:
    """Every row of the setup."""
    return [
        Row(label="Data", heading=True),
        *_with_seldom_ones_last(data_rows(setting)),
        Row(label="Training", heading=True),
        *number_rows(setting),
        *optimizer_rows(setting),
        *output_rows(setting),
        *weight_rows(setting),
        Row(label="Callbacks", heading=True),
        *callback_rows(setting),
        Row(label="Experiment", heading=True),
        *about_rows(setting),
    ]


def _with_seldom_ones_last(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of the data, those that are seldom set under one that opens: the others shall be in sight."""
    seldom: list[Row] = []
    for row in rows:
        if row.key[0] == "data" and row.key[1:2] and row.key[1] in _SELDOM_KEYS:
            seldom.append(msgspec.structs.replace(row, path=(*SELDOM, *row.key[1:]), indent=row.indent + 1))
        else:
            yield row
    if seldom:
        severities = {row.severity for row in seldom}
        told = [row.label for row in seldom if row.changed and row.indent == 1]
        yield Row(
            label="split and steps",
            path=SELDOM,
            shown=", ".join(told) or "as usual",
            changed=bool(told),
            help="How samples are split and shuffled, and what is done to each array: steps that prepare it, "
            "and random ones that augment it in training. Right opens it, left shuts it.",
            opens=bool(told) or severities != {None},
        )
        yield from seldom
