"""The rows of a form: names and values, and what stands under a row opened or shut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import BindingType

from kflab.tui import keys
from kflab.tui.marks import MARKS, PARTS
from kflab.tui.rows import folding
from kflab.tui.rows.row import Row
from kflab.tui.text import fit
from kflab.tui.widgets.rowlist import RowList

_MOST_LABEL = 32
_FOLDS = {True: "▾", False: "▸", None: " "}


class FormRows(RowList):
    """The rows themselves."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.FORM))

    def __init__(
        self, *, edit: Callable[[], None], toggle: Callable[[], None], reset: Callable[[], None]
    ) -> None:
        """The rows, and what their keys do.

        They are called and not told by messages, so that the next key already meets what they have opened.
        """
        super().__init__()
        self._edit, self._toggle, self._reset = edit, toggle, reset
        self.rows: Sequence[Row] = ()
        self.label_width = 0
        self._all: Sequence[Row] = ()
        self._subject = ""
        self._opened: dict[str, dict[folding.Key, bool]] = {}

    def show(self, rows: Sequence[Row], subject: str) -> None:
        """Shows other rows; the cursor stays where it was, or with the row of the same key.

        What was opened and shut is remembered for each subject.
        """
        before = self.current
        self._all, self._subject = rows, subject
        self.rows = rows = folding.visible(rows, self._folds)
        longest = max((len(row.label) + 2 * row.indent for row in rows if not row.heading), default=0)
        self.label_width = min(longest, _MOST_LABEL, max(self.scrollable_content_region.width // 2, 8))
        self.rows_changed()
        if before and not (self.cursor < len(rows) and rows[self.cursor].key == before.key):
            same = [index for index, row in enumerate(rows) if row.key == before.key]
            if same:
                self.put_cursor(same[0])

    @property
    def all_rows(self) -> Sequence[Row]:
        """The rows, those that are shut away among them."""
        return self._all

    @property
    def _folds(self) -> dict[folding.Key, bool]:
        return self._opened.setdefault(self._subject, {})

    def fold(self, key: folding.Key, *, opened: bool) -> None:
        """Opens or shuts what stands under a row."""
        self._folds[key] = opened
        self.show(self._all, self._subject)
        if opened:
            self._reveal(key)

    def _reveal(self, key: folding.Key) -> None:
        """Brings what stands under a row into view, as much of it as there is room for."""
        under = [index for index, row in enumerate(self.rows) if folding.is_under(row, key)]
        height = self.scrollable_content_region.height
        if under and under[-1] >= round(self.scroll_target_y) + height:
            self.scroll_to(y=min(under[-1] - height + 1, self.cursor), animate=False)

    def count(self) -> int:
        """As many as were given."""
        return len(self.rows)

    def selectable(self, row: int) -> bool:
        """Headings are passed over."""
        return 0 <= row < len(self.rows) and not self.rows[row].heading

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.selectable(self.cursor) else None

    def draw(self, row: int, width: int) -> Text:
        """Name and value; a changed value stands out."""
        at = self.rows[row]
        line = Text(no_wrap=True, end="")
        if at.heading:
            line.append(at.label, self.part("accent"))
            return line
        is_open = None if at.opens is None else folding.is_open(at, self._folds)
        label = "  " * at.indent + _FOLDS[is_open] + at.label
        mark = MARKS[at.severity] if at.severity else " "
        line.append(mark, self.part(PARTS[at.severity]) if at.severity else "")
        line.append(fit(label, self.label_width + 1).ljust(self.label_width + 1), self.part("quiet"))
        line.append("  ")
        shown = at.brief if is_open and at.brief else at.shown
        line.append(fit(shown, width - self.label_width - 4), self.part("strong" if at.changed else "quiet"))
        return line

    def on_click(self, event: events.Click) -> None:
        """Opens or shuts what stands under a row where its mark is clicked."""
        index = event.style.meta.get("row")
        if not isinstance(index, int) or not self.selectable(index):
            return
        row = self.rows[index]
        if row.opens is not None and event.x == 1 + 2 * row.indent:
            event.prevent_default()
            self.cursor = index
            self.turn()

    def on_resize(self) -> None:
        """The labels share the new width."""
        self.show(self._all, self._subject)

    def action_edit_row(self) -> None:
        """Changes the value."""
        self._edit()

    def action_toggle_row(self) -> None:
        """Switches the value."""
        self._toggle()

    def action_reset_row(self) -> None:
        """Puts the default back."""
        self._reset()

    def turn(self) -> None:
        """Opens what stands under the row, or shuts it."""
        if self.current:
            self.fold(self.current.key, opened=not folding.is_open(self.current, self._folds))

    def action_open_row(self) -> None:
        """Opens what stands under the row."""
        if self.current and self.current.opens is not None:
            self.fold(self.current.key, opened=True)

    def action_shut_row(self) -> None:
        """Shuts what stands under the row, or goes to the row that it stands under itself."""
        row = self.current
        if row is None:
            return
        if folding.is_open(row, self._folds):
            self.fold(row.key, opened=False)
        elif above := folding.parent(self.rows[: self.cursor], row):
            self.cursor = self.rows.index(above)
