"""The rows of the setup, one part under the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kflab.tui.rows.about import about_rows
from kflab.tui.rows.data import data_rows
from kflab.tui.rows.outputs import output_rows
from kflab.tui.rows.row import Row
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.training import callback_rows, how_rows, number_rows, optimizer_rows, weight_rows

SELDOM = ("data", "more")
"""The key of the row that holds what of the data is seldom set."""

HOW = ("training", "how")
"""The key of the row that holds what of the training is seldom set."""

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
        *_under_one(
            how_rows(setting),
            HOW,
            "precision and speed",
            "What layers compute in, whether sums are added up in order, how often a snapshot is taken, and "
            "how steps are made. Right opens it, left shuts it.",
        ),
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
            seldom.append(row)
        else:
            yield row
    yield from _under_one(
        seldom,
        SELDOM,
        "split and steps",
        "How samples are split and shuffled, and what is done to each array: steps that prepare it, and "
        "random ones that augment it in training. Right opens it, left shuts it.",
    )


def _under_one(rows: Iterable[Row], key: tuple[str, ...], label: str, words: str) -> Iterator[Row]:
    """Rows under one that opens; it stands open where something of them is set or found fault with."""
    under = [msgspec.structs.replace(row, path=(*key, *row.key[1:]), indent=row.indent + 1) for row in rows]
    if not under:
        return
    told = [row.label for row in under if row.changed and row.indent == 1]
    yield Row(
        label=label,
        path=key,
        shown=", ".join(told) or "as usual",
        changed=bool(told),
        help=words,
        opens=bool(told) or {row.severity for row in under} != {None},
    )
    yield from under
