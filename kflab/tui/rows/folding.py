"""Which rows of a form are seen: those under a row can be shut away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.tui.rows.row import Row

Key = tuple[str, ...]


def is_open(row: Row, opened: Mapping[Key, bool]) -> bool:
    """Whether the rows under a row are seen; `opened` says so of those that a person has opened or shut."""
    return row.opens is not None and opened.get(row.key, row.opens)


def visible(rows: Sequence[Row], opened: Mapping[Key, bool]) -> list[Row]:
    """The rows that stand under no row that is shut."""
    seen: list[Row] = []
    shut: Key = ()
    for row in rows:
        if shut and is_under(row, shut):
            continue
        seen.append(row)
        shut = row.key if row.opens is not None and not is_open(row, opened) else ()
    return seen


def is_under(row: Row, key: Key) -> bool:
    """Whether a row stands under the row with this key."""
    return len(row.key) > len(key) and row.key[: len(key)] == key


def parent(rows: Sequence[Row], row: Row) -> Row | None:
    """The row that a row stands under, if it does."""
    above = (other for other in reversed(rows) if other.opens is not None and is_under(row, other.key))
    return next(above, None)
