"""The list of what a typed word may become; its cursor shows once it has been moved."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events

from kflab.quick_add.understood import Completion
from kflab.tui.text import fit
from kflab.tui.widgets.rowlist import RowList


class CompletionRows(RowList, can_focus=False):
    """Completions, under the headings of their groups or without. The line above keeps the focus."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Completion | str] = []
        self._shown: tuple[Sequence[Completion], bool] | None = None
        self.is_chosen = False

    @property
    def held(self) -> bool:
        """The keys come here although the line has the focus."""
        return True

    @property
    def shows_cursor(self) -> bool:
        """It does once it has been moved."""
        return self.is_chosen

    def show(self, completions: Sequence[Completion], *, grouped: bool) -> None:
        """Shows completions; none of them is chosen."""
        if (completions, grouped) == self._shown and not self.is_chosen:
            return
        self._shown = completions, grouped
        rows: list[Completion | str] = []
        group = ""
        for completion in completions:
            if grouped and completion.group != group:
                group = completion.group
                rows.append(group)
            rows.append(completion)
        self._rows = rows
        self.is_chosen = False
        self.rows_changed()
        self.put_cursor(0)

    def count(self) -> int:
        """Completions and headings."""
        return len(self._rows)

    def selectable(self, row: int) -> bool:
        """Headings are passed over."""
        return 0 <= row < len(self._rows) and not isinstance(self._rows[row], str)

    def step(self, move: str) -> None:
        """Moves the cursor: the first step shows it, and one up from the first completion hides it again.

        Args:
            move: `up`, `down`, `page_up` or `page_down`.
        """
        if not self.count():
            return
        if not self.is_chosen:
            self.is_chosen = move in {"down", "page_down"}
            self.moved(self.cursor)
            self.refresh()
            return
        before = self.cursor
        {
            "up": self.action_up,
            "down": self.action_down,
            "page_up": self.action_page_up,
            "page_down": self.action_page_down,
        }[move]()
        if self.cursor == before and move == "up":
            self.is_chosen = False
            self.moved(before)
            self.refresh()

    @property
    def first(self) -> Completion | None:
        """The likeliest completion."""
        return next((row for row in self._rows if not isinstance(row, str)), None)

    @property
    def chosen(self) -> Completion | None:
        """The completion under the cursor, where the cursor has been moved to one."""
        row = self._rows[self.cursor] if self.is_chosen and self.cursor < len(self._rows) else None
        return None if isinstance(row, str) else row

    def draw(self, row: int, width: int) -> Text:
        """The name, and a few words."""
        at = self._rows[row]
        line = Text(no_wrap=True, end="")
        if isinstance(at, str):
            line.append(fit(at, width), self.part("accent"))
            return line
        line.append(fit(f"  {at.label}", width))
        room = width - line.cell_len - 2
        if at.detail and room > 4:
            line.append("  " + fit(at.detail, room), self.part("quiet"))
        return line

    def on_click(self, event: events.Click) -> None:
        """The first click chooses, also where the cursor stood unseen."""
        row = event.style.meta.get("row")
        if not self.is_chosen and isinstance(row, int) and self.selectable(row):
            self.is_chosen = True
            if row == self.cursor:
                event.prevent_default()
                self.moved(row)
                self.refresh()
