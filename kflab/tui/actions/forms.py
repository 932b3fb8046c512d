"""What the forms ask for: other values, defaults, choices."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on

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

    @on(Form.Left)
    def _left(self, event: Form.Left) -> None:
        event.stop()
        if self._filling_from is not None:
            began, self._filling_from = self._filling_from, None
            self.go(began)

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        self._apply(event.row, event.value)

    def _apply(self, row: Row, value: Value) -> None:
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

    def _take(self, edited: Edited) -> None:
        self.lab.put(self.session.edited(edited))

    def _form(self) -> Form | None:
        return next((form for form in self.query(Form) if form.display and form.editing), None)

    @on(Form.Reset)
    def _reset(self, event: Form.Reset) -> None:
        if event.row.reset:
            self.edit(event.row.reset)

    @on(Form.Choose)
    def _choose(self, event: Form.Choose) -> None:
        event.stop()
        event.prevent_default()
        row = event.row
        if row.options is None:
            return
        argument = row.argument
        typed = (lambda text: parse_value(argument, text)) if argument is not None else None
        self.choose(row.label, row.options(), lambda value: self._apply(row, value), typed=typed)

    @on(Form.Run)
    async def _run(self, event: Form.Run) -> None:
        await self.run_action(event.action)
