"""What the forms ask for: other values, defaults, choices."""

from __future__ import annotations

from textual import on

from kflab.catalog.text import parse_value
from kflab.errors import KflabError
from kflab.graph.edits import Edited
from kflab.tui.actions.base import LabBase
from kflab.tui.rows.row import Row
from kflab.tui.widgets.form import Form
from kflab.values import Value


class FormActions(LabBase):
    """Turns the messages of the forms into edits."""

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
