"""What every action of the lab stands on: the app, its session, and ways to ask and to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.screen import Screen

from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.edits import Edited
from kflab.tui.keys import Pane
from kflab.tui.rows.row import Option, Row
from kflab.tui.session import Session
from kflab.values import Value

if TYPE_CHECKING:
    from kflab.tui.app import Lab


class LabBase(Screen[None]):
    """The lab's screen as its actions see it."""

    @property
    def lab(self) -> Lab:
        """The app."""
        return cast("Lab", self.app)

    @property
    def session(self) -> Session:
        """The lab's state."""
        return self.lab.now

    def edit(self, change: Callable[[Experiment], Edited]) -> bool:
        """Edits the experiment; a refusal is told and changes nothing."""
        try:
            edited = change(self.session.experiment)
        except KflabError as refusal:
            self.say(str(refusal))
            return False
        self.lab.put(self.session.edited(edited))
        return True

    def say(self, text: str, *, error: bool = False) -> None:
        """Tells something in one quiet line."""
        self.notify(
            text, severity="error" if error else "information", timeout=8 if error else 4, markup=False
        )

    @property
    def narrow(self) -> bool:
        """Whether one pane is shown at a time."""
        raise NotImplementedError

    def go(self, pane: Pane) -> None:
        """Shows a pane and gives it the focus."""
        raise NotImplementedError

    def fill_missing(self) -> None:
        """Asks for the values that the selected node can not do without, one after the other."""
        raise NotImplementedError

    def node_rows(self) -> Sequence[Row]:
        """The rows of the selected node."""
        raise NotImplementedError

    def typing_left(self) -> None:
        """Goes back to where asking for values began."""
        raise NotImplementedError

    def choose(
        self,
        title: str,
        options: Sequence[Option],
        then: Callable[[Value], None],
        *,
        prompt: str = "type to filter",
        typed: Callable[[str], Value] | None = None,
    ) -> None:
        """Asks for one of several options and goes on with its value."""
        from kflab.tui.screens.choose import Choose

        def chosen(option: Option | None) -> None:
            if option is not None:
                then(option.value)
            self.lab.release_keys()

        self.lab.hold_keys()
        self.app.push_screen(Choose(title, options, prompt=prompt, typed=typed), chosen)

    def ask(self, title: str, value: str, then: Callable[[str], None], *, hint: str = "") -> None:
        """Asks for a line of text; where `then` raises a `KflabError`, it is shown and one can type on."""
        from kflab.tui.screens.prompt import Prompt

        self.lab.hold_keys()
        self.app.push_screen(Prompt(title, value, then, hint=hint))

    def confirm(
        self,
        title: str,
        text: str,
        answers: Sequence[tuple[str, str]],
        then: Callable[[str], None],
        *,
        cancel: str = "Cancel",
    ) -> None:
        """Asks a question with a few answers, each a key and its words, and goes on with the key."""
        from kflab.tui.screens.confirm import Confirm

        def answered(key: str | None) -> None:
            if key is not None:
                then(key)

        self.app.push_screen(Confirm(title, Text(text), answers, cancel), answered)
