"""A form: rows of names and values that are changed in place, with the words of Keras on the one in focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from kflab.catalog.text import parse_value
from kflab.tui.rows import folding
from kflab.tui.rows.row import Row
from kflab.tui.widgets.form_rows import FormRows
from kflab.tui.widgets.line import Line
from kflab.tui.widgets.rowlist import RowList
from kflab.values import Value


class EditLine(Line):
    """Where a value is typed, right on its row."""


class FormHandler(Protocol):
    """Who does what a form asks for, at once."""

    def change_row(self, row: Row, value: Value) -> None:
        """A value was given for a row."""

    def reset_row(self, row: Row) -> None:
        """A row shall have its default again."""

    def choose_for_row(self, row: Row) -> None:
        """A value for a row shall be chosen from its options."""

    def run_for_row(self, action: str) -> None:
        """An action of the lab shall run."""

    def typing_left(self) -> None:
        """What was begun to be typed is given up."""


class Form(Vertical):
    """Findings on top, rows below, and help on the row under the cursor."""

    DEFAULT_CSS = """
    Form { border: round $line; border-title-color: $foreground; border-title-style: bold;
           border-subtitle-color: $quiet; padding: 0 0 0 1; layers: base edit; background: $background; }
    Form:focus-within { border: round $accent; }
    Form > #notes { height: auto; max-height: 5; margin: 0 1 0 0; display: none; }
    Form > FormRows { height: 1fr; min-height: 2; overflow-y: scroll; }
    Form > #help { height: 5; margin: 0 1 0 0; color: $quiet; border-top: solid $line; }
    Form > EditLine { layer: edit; position: absolute; border: none; height: 1; padding: 0;
                      background: $panel; color: $foreground; display: none; }
    Form > EditLine:ansi { text-style: reverse; }
    Form > #complaint { layer: edit; position: absolute; height: auto; color: $error; background: $panel;
                        display: none; }
    """

    def __init__(self, handler: FormHandler, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._handler = handler
        self._list = FormRows(edit=self._edit, toggle=self._toggle, reset=self._reset)
        self._notes = Static(id="notes", markup=False)
        self._help = Static(id="help", markup=False)
        self._line = EditLine(
            {"enter": self._typed, "down": self._typed, "escape": self._leave, "up": self._leave}
        )
        self._complaint = Static(id="complaint", markup=False)
        self._editing: Row | None = None
        self._noted = Text()
        self._helped = ""

    def compose(self) -> ComposeResult:
        """Findings, rows, help and the hidden line for editing."""
        yield self._notes
        yield self._list
        yield self._help
        yield self._line
        yield self._complaint

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that are shown."""
        return self._list.rows

    @property
    def all_rows(self) -> Sequence[Row]:
        """The rows, those that are shut away among them."""
        return self._list.all_rows

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._list.current

    @property
    def editing(self) -> bool:
        """Whether a value is being typed."""
        return self._editing is not None

    def take_focus(self) -> None:
        """Gives the rows the focus."""
        self.screen.set_focus(self._list)

    def show(self, rows: Sequence[Row], notes: Text | None = None, subject: str = "") -> None:
        """Shows other rows, with findings above them. A value that is being typed is left alone.

        `subject` is what they are about: what is opened and shut is remembered for each.
        """
        self._list.show(rows, subject)
        if (notes or Text()) != self._noted:
            self._noted = notes or Text()
            self._notes.display = bool(notes)
            self._notes.update(self._noted)
        self._show_help()
        # Findings above the rows may push them down.
        self.keep_line()

    def keep_line(self) -> None:
        """Keeps the line on its row when the form is laid out anew."""
        if self._editing:
            self.call_after_refresh(self._place)

    def select(self, key: folding.Key) -> None:
        """Puts the cursor on the row with this key."""
        for index, row in enumerate(self._list.rows):
            if row.key == key:
                self._list.put_cursor(index)
                self._show_help()
                return

    def reveal(self, key: folding.Key) -> None:
        """Puts the cursor on the row with this key, and opens what it is shut away in."""
        for row in self.all_rows:
            if row.opens is not None and row.key != key and key[: len(row.key)] == row.key:
                self.open(row.key)
        self.select(key)

    def open(self, key: folding.Key) -> None:
        """Shows the rows under the one with this key."""
        self._list.fold(key, opened=True)

    def edit_missing(self, under: folding.Key = ()) -> None:
        """Begins to edit the first row that needs a value and has none, of all or of those under a row."""
        for index, row in enumerate(self._list.rows):
            if row.missing and (not under or folding.is_under(row, under)):
                self._list.put_cursor(index)
                self._show_help()
                self._edit()
                return

    def _show_help(self) -> None:
        row = self._list.current
        self._help.display = self.size.height > 12
        words = row.help if row else ""
        if words != self._helped:
            self._helped = words
            self._help.update(Text(words), layout=False)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._show_help()

    @on(RowList.Picked)
    def _picked(self, event: RowList.Picked) -> None:
        event.stop()
        self._edit()

    def _edit(self) -> None:
        row = self._list.current
        if row is None:
            return
        if row.action:
            self._handler.run_for_row(row.action)
        elif row.typed and row.switched:
            self._toggle()
        elif row.typed:
            self._type(row)
        elif row.options and row.apply:
            self._handler.choose_for_row(row)
        elif row.opens is not None:
            self._list.turn()

    def _toggle(self) -> None:
        row = self._list.current
        if row and row.switched:
            self._handler.change_row(row, row.next_value())
        else:
            self._edit()

    def _reset(self) -> None:
        row = self._list.current
        if row is None:
            return
        if row.reset_action:
            self._handler.run_for_row(row.reset_action)
        elif row.reset:
            self._handler.reset_row(row)

    def _type(self, row: Row) -> None:
        self._editing = row
        self._line.value = row.shown
        self._line.display = True
        self.screen.set_focus(self._line)
        self._line.action_select_all()
        self._place()
        # The rows may have got their place on the screen just now.
        self.call_after_refresh(self._place)

    def _place(self) -> None:
        """Lays the line over the value of its row."""
        at = self._list.region.offset - self.content_region.offset
        y = at.y + self._list.cursor - self._list.scroll_offset.y
        x = at.x + self._list.label_width + 4
        self._line.styles.offset = (x, y)
        self._line.styles.width = max(self._list.size.width - self._list.label_width - 4, 6)
        self._complaint.styles.offset = (at.x + 2, y + 1)
        self._complaint.styles.width = max(self._list.size.width - 2, 10)

    def on_resize(self) -> None:
        """Keeps the line on its row, and the help where there is room for it."""
        if self._editing:
            self._place()
        self._show_help()

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self._complaint.display = False

    def _typed(self) -> None:
        row = self._editing
        if row is None or row.argument is None:
            return
        try:
            value = parse_value(row.argument, self._line.value)
        except ValueError as problem:
            self.complain(str(problem))
            return
        self._handler.change_row(row, value)

    def complain(self, problem: str) -> None:
        """Says at the field what is wrong with what was typed; the line stays open."""
        self._complaint.update(Text(problem))
        self._complaint.display = True

    def _leave(self) -> None:
        self.close()
        self._handler.typing_left()

    def close(self) -> None:
        """Ends typing."""
        if self._editing is None:
            return
        self._editing = None
        self._complaint.display = False
        if self._line.has_focus:
            self.screen.set_focus(self._list)
        self._line.display = False

    def on_descendant_blur(self) -> None:
        """Typing ends when the focus goes elsewhere."""
        if self._editing and not self._line.has_focus and self.screen.focused is not self._line:
            self.close()
