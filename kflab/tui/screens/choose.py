"""The chooser: a list that is filtered by typing, with help on what is under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, cast

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from kflab.tui import keys
from kflab.tui.rows.row import Option
from kflab.tui.text import fit
from kflab.tui.widgets.line import Line, take_ahead
from kflab.tui.widgets.rowlist import RowList
from kflab.values import Value


def matches(options: Sequence[Option], wanted: str) -> list[Option]:
    """The options that fit what was typed, the best first: by name, then by other words, then by help.

    Last come those whose name has the letters in that order: `c2b1` finds `conv2_block1`.
    """
    words = wanted.lower().split()
    if not words:
        return list(options)

    def rank(option: Option) -> int | None:
        label = option.label.lower()
        short = label.rpartition(".")[2]
        others = " ".join((*option.words, option.group, option.detail)).lower()
        if label == wanted.lower() or short == wanted.lower():
            return 0
        if all(word in label for word in words):
            return 1 if label.startswith(words[0]) or short.startswith(words[0]) else 2
        if all(word in label or word in others for word in words):
            return 3
        first = option.help.partition("\n")[0].lower()
        if all(word in label or word in others or word in first for word in words):
            return 4
        return 5 if len(wanted) > 1 and all(_is_scattered(word, label) for word in words) else None

    ranked = [(place, option) for option in options if (place := rank(option)) is not None]
    return [option for _, option in sorted(ranked, key=lambda pair: pair[0])]


def _is_scattered(word: str, label: str) -> bool:
    letters = iter(label)
    return all(letter in letters for letter in word)


class KeyHolder(Protocol):
    """An app that can keep keys back while a dialog opens or closes."""

    def hold_keys(self) -> None:
        """Keeps them back."""

    def release_keys(self) -> None:
        """Answers them."""


class OptionRows(RowList, can_focus=False):
    """The options that are left, under the headings of their groups."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Option | str] = []

    @property
    def held(self) -> bool:
        """The keys come here although the filter has the focus."""
        return True

    def show(self, options: Sequence[Option], *, grouped: bool) -> None:
        """Shows options; the cursor stands on the first, or on the one that is set now."""
        rows: list[Option | str] = []
        group = ""
        for option in options:
            if grouped and option.group != group:
                group = option.group
                rows.append(group)
            rows.append(option)
        self.rows = rows
        self.rows_changed()
        now = (index for index, row in enumerate(rows) if isinstance(row, Option) and row.current)
        self.put_cursor(next(now, 0) if grouped else 0)

    def count(self) -> int:
        """Options and headings."""
        return len(self.rows)

    def selectable(self, row: int) -> bool:
        """Headings are passed over."""
        return 0 <= row < len(self.rows) and isinstance(self.rows[row], Option)

    @property
    def current(self) -> Option | None:
        """The option under the cursor."""
        row = self.rows[self.cursor] if self.cursor < len(self.rows) else None
        return row if isinstance(row, Option) else None

    def draw(self, row: int, width: int) -> Text:
        """The name, and a few words."""
        at = self.rows[row]
        line = Text(no_wrap=True, end="")
        if isinstance(at, str):
            line.append(at, self.part("accent"))
            return line
        line.append("● " if at.current else "  ", self.part("accent"))
        line.append(fit(at.label, width - 2))
        room = width - line.cell_len - 2
        if at.detail and room > 4:
            line.append("  " + fit(at.detail, room), self.part("quiet"))
        return line


class Choose(ModalScreen[Option | None]):
    """Asks for one of several options. Typing filters; what no option fits can be taken as typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.Place.DIALOG),
        Binding("up,ctrl+p", "list('up')", "Up", show=False, priority=True),
        Binding("down,ctrl+n", "list('down')", "Down", show=False, priority=True),
        Binding("pageup", "list('page_up')", "Page up", show=False, priority=True),
        Binding("pagedown", "list('page_down')", "Page down", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Choose { align: center middle; background: $background 60%; }
    Choose:ansi { background: ansi_default; }
    Choose > Vertical { width: 92%; max-width: 104; height: 86%; max-height: 36; border: round $accent;
                        border-title-color: $foreground; border-title-style: bold;
                        border-subtitle-color: $quiet; background: $background; padding: 0 1; }
    Choose.-short > Vertical { max-width: 64; }
    Choose Input { background: $panel; margin-bottom: 1; padding: 0 1; }
    Choose Horizontal { height: 1fr; }
    Choose OptionRows { width: 2fr; }
    Choose VerticalScroll { width: 3fr; padding: 0 0 0 2; scrollbar-size-vertical: 1;
                            background: $background; }
    Choose #words { height: auto; }
    Choose #words.-wrong { color: $error; }
    Choose.-bare VerticalScroll { display: none; }
    """

    def __init__(
        self,
        title: str,
        options: Sequence[Option],
        *,
        prompt: str = "type to filter",
        typed: Callable[[str], Value] | None = None,
    ) -> None:
        """A chooser.

        Args:
            title: what is chosen.
            options: what there is to choose.
            prompt: the words in the empty filter.
            typed: turns text that no option fits into a value; raises ValueError where it is none.
        """
        super().__init__()
        self._title, self._options, self._typed = title, options, typed
        self._filter = Line({"enter": self.action_accept}, placeholder=prompt)
        self._list = OptionRows()
        self._narrowed: str | None = None
        self._words = Static(id="words", markup=False)

    def compose(self) -> ComposeResult:
        """The filter over the list, and help beside it."""
        with Vertical() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = Text("enter choose · esc leave")
            yield self._filter
            with Horizontal():
                yield self._list
                with VerticalScroll(can_focus=False):
                    yield self._words

    def on_mount(self) -> None:
        """Shows everything."""
        self.set_class(not any(option.help for option in self._options), "-bare")
        self.set_class(not any(option.help for option in self._options), "-short")
        self.set_focus(self._filter)
        self._narrow()
        self._keys.release_keys()

    @property
    def _keys(self) -> KeyHolder:
        return cast("KeyHolder", self.app)

    def on_key(self, event: events.Key) -> None:
        """Takes what is typed before the filter has the focus."""
        take_ahead(event, self._filter, self.action_accept)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._narrow()

    def _narrow(self) -> None:
        wanted = self._filter.value
        if wanted != self._narrowed:
            self._narrowed = wanted
            self._list.show(matches(self._options, wanted), grouped=not wanted)
            self._show_words()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._show_words()

    @on(RowList.Picked)
    def _picked(self, event: RowList.Picked) -> None:
        event.stop()
        self.action_accept()

    def _show_words(self) -> None:
        self._words.remove_class("-wrong")
        option = self._list.current
        if option is None:
            text = "Nothing fits." if self._typed is None else "Enter takes what is typed."
            self._words.update(Text(text))
            return
        self._words.update(Text(option.help))
        self.query_one(VerticalScroll).scroll_to(y=0, animate=False)

    def action_list(self, step: str) -> None:
        """Moves the cursor of the list while the filter keeps the focus."""
        {
            "up": self._list.action_up,
            "down": self._list.action_down,
            "page_up": self._list.action_page_up,
            "page_down": self._list.action_page_down,
        }[step]()

    def action_accept(self) -> None:
        """Takes the option under the cursor, or what was typed."""
        self._narrow()  # What was typed last may not have been told yet.
        text = self._filter.value.strip()
        option = self._list.current
        # A number may stand in the help of an option, and a call begins with the name of one.
        is_value = not text[:1].isalpha() or any(mark in text for mark in "({[,")
        if self._typed is not None and text and (option is None or is_value):
            try:
                value = self._typed(text)
            except ValueError as problem:
                self.remove_class("-bare")
                self._words.add_class("-wrong")
                self._words.update(Text(str(problem)))
                return
            option = Option(value, text)
        if option is not None:
            self._keys.hold_keys()
            self.dismiss(option)

    def action_cancel(self) -> None:
        """Chooses nothing."""
        self.dismiss(None)
