"""What the forms ask for: other values, defaults, choices."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from kflab.catalog.text import parse_value
from kflab.errors import KflabError
from kflab.graph.edits import Edited
from kflab.tui.actions.base import LabBase
from kflab.tui.keys import Pane
from kflab.tui.rows.row import Row
from kflab.tui.widgets.form import Form
from kflab.values import Value


class FormActions(LabBase):
    """Turns the messages of the forms into edits."""

    def __init__(self) -> None:
        super().__init__()
        self._filling_from: Pane | None = None

    @property
    def pane(self) -> Pane:
        """The pane that has the focus."""
        raise NotImplementedError

    def fill_missing(self) -> None:
        """Asks for the values that the selected node can not do without; then goes back to where it began."""
        began = self._filling_from = self._filling_from or self.pane
        form = self.query_one("#node", Form)
        if any(row.missing for row in self.node_rows()):
            if self.pane is not Pane.NODE:
                self.go(Pane.NODE)
            form.edit_missing()
        else:
            self._filling_from = None
            if self.pane is not began:
                self.go(began)

    def node_rows(self) -> Sequence[Row]:
        """The rows of the selected node."""
        raise NotImplementedError

    def typing_left(self) -> None:
        """Goes back to where asking for values began."""
        if self._filling_from is not None:
            began, self._filling_from = self._filling_from, None
            self.go(began)

    def change_row(self, row: Row, value: Value) -> None:
        """Gives a row another value; a refusal is told at the field."""
        if row.apply is None:
            return
        form = self._form()
        try:
            edited = row.apply(self.session.experiment, value)
        except KflabError as refusal:
            if form and form.editing:
                form.complain(str(refusal))
            else:
                self.say(str(refusal))
            return
        if form:
            form.close()
        self._take(edited)
        if self._filling_from is not None:
            self.fill_missing()
        else:
            self._ask_under(row)

    def _ask_under(self, row: Row) -> None:
        """Shows the arguments of an object that was chosen, and asks for those that it can not do without."""
        if row.options is None:
            return
        for form in self.query(Form):
            if form.display and form.current and form.current.key == row.key:
                form.open(row.key)
                # What a node calls stands beside its arguments, not above them.
                form.edit_missing(under=row.path)

    def _take(self, edited: Edited) -> None:
        self.lab.put(self.session.edited(edited))

    def _form(self) -> Form | None:
        return next((form for form in self.query(Form) if form.display and form.editing), None)

    def reset_row(self, row: Row) -> None:
        """Gives a row its default again."""
        if row.reset:
            self.edit(row.reset)

    def choose_for_row(self, row: Row) -> None:
        """Asks for one of the options of a row."""
        if row.options is None:
            return
        typed = None if row.argument is None else functools.partial(self._typed_value, row)
        prompt = "type to filter, or a value" if typed else "type to filter"
        self.choose(
            row.label, row.options(), lambda value: self.change_row(row, value), prompt=prompt, typed=typed
        )

    def _typed_value(self, row: Row, text: str) -> Value:
        """What was typed for a row instead of chosen.

        Raises:
            ValueError: the row does not take it.
        """
        assert row.argument is not None
        value = parse_value(row.argument, text)
        try:
            if row.apply is not None:
                row.apply(self.session.experiment, value)
        except KflabError as refusal:
            raise ValueError(str(refusal)) from refusal
        return value

    def run_for_row(self, action: str) -> None:
        """Runs an action of the lab."""
        getattr(self, f"action_{action}")()
