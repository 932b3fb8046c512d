"""The line that adds nodes: what it was understood as, what a word may become, and Keras' own words on it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ClassVar, cast

from rich.highlighter import Highlighter
from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from kflab.errors import KflabError
from kflab.quick_add.chains import Added
from kflab.quick_add.understood import Completion, Understood
from kflab.tui import keys
from kflab.tui.lines import Line as Drawn
from kflab.tui.screens.choose import KeyHolder
from kflab.tui.understood_lines import is_typed, understood_lines
from kflab.tui.widgets.completions import CompletionRows
from kflab.tui.widgets.line import Line, take_ahead
from kflab.tui.widgets.painted import Painted
from kflab.tui.widgets.rowlist import RowList

_EXAMPLES = """\
Type what to add, or choose it from the list.

conv2d 32 3 relu same
    Numbers in the order of Keras' arguments; other words by what they say.
dense 64 kernel_regularizer=l2(1e-4) nobias
    Any argument by its name; flags alone.
conv2d 32 3 | bn | relu | maxpool 2
    Several nodes, each fed by the one before it.
lstm 64 bi
    A wrapper around it: bi, td.
x2: dense 64
    A name for the node.
add +x2
    One more node that feeds it.
share conv1    model encoder
    A layer or a nested model that is there already, with its weights.\
"""


_MOVES = {
    "up": ("up", "ctrl+p"),
    "down": ("down", "ctrl+n"),
    "page_up": ("pageup",),
    "page_down": ("pagedown",),
}
"""The keys that move in the list."""


class UnderstoodPane(Painted):
    """What the line was understood as, and what was not."""

    def __init__(self) -> None:
        super().__init__(id="understood")
        self._understood = Understood(text="")
        self._cursor = 0
        self._refused = ""

    def show(self, understood: Understood, cursor: int, refused: str = "") -> None:
        """Shows what a line was understood as."""
        self._understood, self._cursor, self._refused = understood, cursor, refused
        self.repaint()

    def paint(self, width: int, height: int) -> list[Drawn]:
        """The nodes, then what is wrong."""
        return understood_lines(self._understood, self._cursor, width, height, refused=self._refused)


class _Misread(Highlighter):
    """Marks the words of the line that were not understood."""

    def __init__(self) -> None:
        self.places: list[tuple[int, int]] = []
        self.style = Style()

    def highlight(self, text: Text) -> None:
        for start, end in self.places:
            text.stylize(self.style, start, max(end, start + 1))


class QuickAdd(ModalScreen[Added | None]):
    """Asks for a line and adds what it says; where that can not be, it says why and the line stays."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.QUICK_ADD))
    COMPONENT_CLASSES: ClassVar[set[str]] = {"quick-add--wrong", "quick-add--title"}
    DEFAULT_CSS = """
    QuickAdd { align: center middle; background: $background 60%;
        & > .quick-add--wrong { color: $error; text-style: underline; }
        & > .quick-add--title { text-style: bold; }
    }
    QuickAdd:ansi { background: ansi_default; }
    QuickAdd > Vertical { width: 92%; max-width: 108; height: 90%; max-height: 36; border: round $accent;
                          border-title-color: $foreground; border-title-style: bold;
                          border-subtitle-color: $quiet; background: $background; padding: 0 1; }
    QuickAdd Input { background: $panel; padding: 0 1; }
    QuickAdd UnderstoodPane { height: 5; margin: 0 0 1 0; padding: 0 1; }
    QuickAdd Horizontal { height: 1fr; }
    QuickAdd CompletionRows { width: 2fr; }
    QuickAdd VerticalScroll { width: 3fr; padding: 0 0 0 2; scrollbar-size-vertical: 1;
                              background: $background; }
    QuickAdd #words { height: auto; }
    QuickAdd.-low > Vertical { height: 100%; }
    QuickAdd.-low UnderstoodPane { height: 3; margin: 0; }
    """

    def __init__(
        self, title: str, understand: Callable[[str, int], Understood], add: Callable[[Understood], Added]
    ) -> None:
        """The line.

        Args:
            title: where what it says goes, such as `Add after image`.
            understand: what a line says, for a column of the cursor.
            add: the experiment with what was understood; raises a `KflabError` where that is refused.
        """
        super().__init__()
        self._title, self._understand, self._add = title, understand, add
        self._line = Line(
            {
                "enter": self.action_accept,
                "tab": self.action_complete,
                **{
                    key: functools.partial(self.action_list, move)
                    for move, names in _MOVES.items()
                    for key in names
                },
            },
            placeholder="layer, operation or several: conv2d 32 3 relu | maxpool 2",
        )
        self._misread = _Misread()
        self._line.highlighter = self._misread
        self._list = CompletionRows()
        self._pane = UnderstoodPane()
        self._words = Static(id="words", markup=False)
        self._seen: tuple[str, int] | None = None
        self._told: tuple[str, str] | None = None
        self._understood = Understood(text="")

    def compose(self) -> ComposeResult:
        """The line, what was understood, and the list beside help."""
        with Vertical() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = Text("enter add · tab complete · ↑↓ choose · esc leave")
            yield self._line
            yield self._pane
            with Horizontal():
                yield self._list
                with VerticalScroll(can_focus=False):
                    yield self._words

    def on_mount(self) -> None:
        """Shows everything that can be added."""
        self._misread.style = self.get_component_rich_style("quick-add--wrong", partial=True)
        self.set_focus(self._line)
        self.read_line()
        self.watch(self._line, "selection", self.read_line, init=False)
        self._keys.release_keys()

    def on_resize(self, event: events.Resize) -> None:
        """Leaves room for the list on a low terminal."""
        self.set_class(event.size.height < keys.WIDE[1], "-low")

    @property
    def _keys(self) -> KeyHolder:
        return cast("KeyHolder", self.app)

    def on_key(self, event: events.Key) -> None:
        """Takes what is typed before the line has the focus."""
        take_ahead(event, self._line, self.action_accept)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.read_line()

    def read_line(self) -> None:
        """Shows what the line says now."""
        now = self._line.value, self._line.cursor_position
        if now == self._seen:
            return
        self._seen = now
        self._understood = understood = self._understand(*now)
        start, end = understood.replaced
        self._list.show(understood.completions, grouped=not understood.text[start:end].strip())
        self._misread.places = [
            (problem.start, problem.end)
            for problem in understood.problems
            if not is_typed(problem, understood, now[1])
        ]
        self._line.refresh()
        self._pane.show(understood, now[1])
        self._show_words()

    def _show_words(self) -> None:
        chosen = self._list.chosen
        about = self._understood.help
        title, text = (chosen.label, chosen.help) if chosen else (about.title, about.text)
        if not self._line.value.strip() and chosen is None:
            title, text = "", _EXAMPLES
        if (title, text) == self._told:
            return
        self._told = title, text
        words = Text()
        if title:
            style = self.get_component_rich_style("quick-add--title", partial=True)
            words.append(f"{title}\n", style)
        self._words.update(words.append(text))
        self.query_one(VerticalScroll).scroll_to(y=0, animate=False)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._show_words()

    @on(RowList.Picked)
    def _picked(self, event: RowList.Picked) -> None:
        event.stop()
        self.action_accept()

    def action_list(self, move: str) -> None:
        """Moves the cursor of the list while the line keeps the focus."""
        self.read_line()
        self._list.step(move)

    def action_complete(self) -> None:
        """Takes a completion into the line."""
        self.read_line()
        completion = self._list.chosen or self._list.first
        if completion is not None:
            self._take(completion)

    def _take(self, completion: Completion) -> None:
        text, column = self._understood.completed(completion)
        self._line.value = text
        self._line.cursor_position = column
        self.read_line()

    def action_accept(self) -> None:
        """Adds what the line says, or what is chosen; says why where it can not."""
        self.read_line()  # What was typed last may not have been told yet.
        chosen = self._list.chosen
        if chosen is not None:
            self._take(chosen)
            if not chosen.called:
                return
        understood = self._understood
        if not understood.text.strip():
            self._refuse("type what to add, or choose it with the arrows")
        elif understood.problems:
            first = self._list.first
            hint = " (↓ chooses from the list)" if first is not None and first.called else ""
            self._refuse(f"{understood.problems[0].message}{hint}")
        else:
            try:
                added = self._add(understood)
            except KflabError as refusal:
                self._refuse(str(refusal))
                return
            self._keys.hold_keys()
            self.dismiss(added)

    def _refuse(self, why: str) -> None:
        self._misread.places = [(problem.start, problem.end) for problem in self._understood.problems]
        self._line.refresh()
        self._pane.show(self._understood, self._line.cursor_position, why)

    def action_cancel(self) -> None:
        """Adds nothing."""
        self.dismiss(None)
