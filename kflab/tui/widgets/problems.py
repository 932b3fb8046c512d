"""The problems pane: what is wrong, one line each, and below them the one under the cursor in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from kflab.diagnose.findings import Finding
from kflab.tui import keys, problems
from kflab.tui.marks import MARKS, PARTS
from kflab.tui.problems import Problem, Widths
from kflab.tui.widgets.rowlist import RowList

_LOW = 7
"""The lines below which the words on a problem are likely cut off."""


class ProblemRows(RowList):
    """The rows themselves."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.PROBLEMS))

    def __init__(self, answer: Callable[[str], None]) -> None:
        """The rows.

        Args:
            answer: runs an action of the lab at once, so that the next key already meets what it has done.
        """
        super().__init__()
        self._answer = answer
        self.rows: Sequence[Problem] = ()
        self._columns = Widths()

    def show(self, rows: Sequence[Problem]) -> None:
        """Shows other rows; the cursor stays on its problem, or in its place."""
        cursor = problems.place_after(self.rows, self.cursor, rows)
        self.rows = rows
        self._measure()
        self.rows_changed()
        if cursor != self.cursor:
            self.put_cursor(cursor)

    def _measure(self) -> None:
        self._columns = problems.widths(self.rows, self.scrollable_content_region.width)

    def count(self) -> int:
        """As many as were given."""
        return len(self.rows)

    def selectable(self, row: int) -> bool:
        """Headings are passed over."""
        return 0 <= row < len(self.rows) and self.rows[row].finding is not None

    @property
    def current(self) -> Problem | None:
        """The problem under the cursor."""
        return self.rows[self.cursor] if self.selectable(self.cursor) else None

    def draw(self, row: int, width: int) -> Text:  # noqa: ARG002
        """Mark, code, place and message; the columns were made for the width."""
        line = Text(no_wrap=True, end="")
        for words, part in problems.pieces(self.rows[row], self._columns):
            line.append(words, self.part(part) if part else "")
        return line

    def on_resize(self) -> None:
        """The messages have the new width."""
        self._measure()
        super().on_resize()

    def action_go_to_problem(self) -> None:
        """Goes to what it is about."""
        self._answer("go_to_problem")

    def action_fix(self) -> None:
        """Fixes it."""
        self._answer("fix")

    def action_fix_all(self) -> None:
        """Fixes all that can be fixed safely."""
        self._answer("fix_all")

    def action_ignore(self) -> None:
        """Switches the rule off."""
        self._answer("ignore")

    def action_explain(self) -> None:
        """Shows the whole explanation."""
        self._answer("explain")


class ProblemsPane(Vertical):
    """The list, and what it says of the problem under the cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "problems--key",
        "problems--quiet",
        "problems--strong",
        "problems--error",
        "problems--warning",
    }
    DEFAULT_CSS = """
    ProblemsPane { border: round $line; border-title-color: $foreground; border-title-style: bold;
                   border-subtitle-color: $quiet; padding: 0 0 0 1; background: $background;
        & .problems--key { color: $accent; text-style: bold; }
        & .problems--quiet { color: $quiet; }
        & .problems--strong { text-style: bold; }
        & .problems--error { color: $error; }
        & .problems--warning { color: $warning; }
    }
    ProblemsPane:focus-within { border: round $accent; }
    ProblemsPane > ProblemRows { height: 1fr; min-height: 2; overflow-y: scroll; }
    ProblemsPane > #about { height: 50%; max-height: 14; margin: 0 1 0 0; border-top: solid $line; }
    ProblemsPane.-empty > ProblemRows { height: 1; min-height: 1; }
    ProblemsPane.-empty > #about { height: 1fr; max-height: 100%; border-top: none; }
    """

    def __init__(
        self,
        answer: Callable[[str], None],
        explain: Callable[[str], str],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """The pane.

        Args:
            answer: runs an action of the lab.
            explain: the long text about a code.
            id: its name on the screen.
        """
        super().__init__(id=id)
        self._answer = answer
        self._explain = explain
        self._list = ProblemRows(answer)
        self._about = Static(id="about", markup=False)
        self._findings: Sequence[Finding] = ()
        self._after: Sequence[Finding] = ()
        self._empty = ""
        self._told = Text()

    def compose(self) -> ComposeResult:
        """The list, and the words below it."""
        yield self._list
        yield self._about

    @property
    def rows(self) -> Sequence[Problem]:
        """The rows that are shown."""
        return self._list.rows

    @property
    def current(self) -> Finding | None:
        """The finding under the cursor."""
        row = self._list.current
        return row.finding if row else None

    def take_focus(self) -> None:
        """Gives the list the focus."""
        self.screen.set_focus(self._list)

    def show(
        self, findings: Sequence[Finding], after_run: Sequence[Finding], *, stale: bool, empty: str
    ) -> None:
        """Shows other findings.

        Args:
            findings: what is wrong with the experiment.
            after_run: what its run turned out to be.
            stale: something that findings depend on is being worked out.
            empty: the words for an empty list.
        """
        rows = problems.problems(findings, after_run, self._list.rows, stale=stale)
        self._empty = empty
        if rows != self._list.rows:
            self._list.show(rows)
        self.set_class(not rows, "-empty")
        self._tell()

    def _tell(self) -> None:
        """Says all about the problem under the cursor."""
        told = self._words()
        if told != self._told:
            self._told = told
            self._about.update(told, layout=False)

    def _words(self) -> Text:
        found = self.current
        quiet = self._style("quiet")
        if found is None:
            return Text(self._empty, quiet)
        words = Text()
        style = self._style(PARTS[found.severity])
        words.append(f"{MARKS[found.severity]} {found.place}\n" if found.place else "", style)
        message, fix = Text(f"{found.message}\n"), self._fix(found)
        # Where there is little room, what can be done about it shall not be what is cut off.
        parts = (fix, message) if self._about.size.height < _LOW else (message, fix)
        for part in parts:
            words.append_text(part)
        text = self._explain(found.code)
        if text:
            words.append("\n").append(f"{found.code} ", self._style("strong")).append(text, quiet)
        words.rstrip()
        return words

    def _fix(self, found: Finding) -> Text:
        fix = Text()
        if found.fix is not None:
            fix.append("f ", self._style("key")).append(found.fix.title)
            fix.append("" if found.fix.safe else "  (look at it: it may change more)", self._style("quiet"))
            fix.append("\n")
        return fix

    def on_resize(self) -> None:
        """What comes first depends on the room there is."""
        self.call_after_refresh(self._tell)

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"problems--{part}", partial=True)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._tell()

    @on(RowList.Picked)
    def _picked(self, event: RowList.Picked) -> None:
        event.stop()
        self._answer("go_to_problem")
