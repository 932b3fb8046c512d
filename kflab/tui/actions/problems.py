"""Working through what is wrong: going there, fixing it, switching a rule off, reading why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from kflab.diagnose.findings import Finding, worst_first
from kflab.engine.client import State
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.tui import opening, problems
from kflab.tui.actions.base import LabBase
from kflab.tui.keys import Pane
from kflab.tui.session import Session
from kflab.tui.text import plural
from kflab.tui.widgets.form import Form
from kflab.tui.widgets.problems import ProblemsPane

if TYPE_CHECKING:
    from kflab.diagnose.rules.rule import Rule


class ProblemActions(LabBase):
    """What the keys do about findings."""

    @property
    def pane(self) -> Pane:
        """The pane that has the focus."""
        raise NotImplementedError

    def compose_problems(self) -> ProblemsPane:
        """The pane that lists them."""
        return ProblemsPane(self._answer, explanation, id="problems")

    def _answer(self, action: str) -> None:
        """Runs what a key of the list asks for."""
        getattr(self, f"action_{action}")()

    @property
    def selected_problem(self) -> Finding | None:
        """The finding under the cursor of the list."""
        return self.query_one(ProblemsPane).current

    def fixable(self) -> Finding | None:
        """The finding that `f` would fix now."""
        session = self.session
        if self.pane is Pane.PROBLEMS:
            found = [self.selected_problem]
        elif self.pane is Pane.SETUP:
            found = [*self._of_the_row(session)]
        else:
            found = [*session.findings_of(session.selected)]
        return next((finding for finding in found if finding and finding.fix), None)

    def _of_the_row(self, session: Session) -> list[Finding]:
        """The findings about the setup, those about the row under the cursor first."""
        form = self.query_one("#setup", Form)
        found = [finding for finding in worst_first(session.findings) if not finding.node]
        current = form.current

        def is_elsewhere(finding: Finding) -> bool:
            row = problems.row_about(form.rows, finding.path)
            return current is None or row is None or row.key != current.key

        return sorted(found, key=is_elsewhere)

    def safe_fixes(self) -> list[Finding]:
        """The findings whose fixes change nothing but what is wrong."""
        found = worst_first(self.session.findings)
        return [finding for finding in found if finding.fix is not None and finding.fix.safe]

    def action_problems(self) -> None:
        """Problems in place of the node, and back."""
        self.go(Pane.NODE if self.pane is Pane.PROBLEMS else Pane.PROBLEMS)

    def action_fix(self) -> None:
        """Fixes what is selected, in one step that can be undone."""
        from kflab.diagnose import fixing

        found = self.fixable()
        if found is None or found.fix is None:
            return
        fix, session = found.fix, self.session
        node = found.node if found.graph == session.graph_name else ""
        if self.edit(lambda experiment: fixing.apply_as_edit(experiment, fix, node)):
            self.say(f"fixed: {fix.title}")

    def action_fix_all(self) -> None:
        """Fixes all that can be fixed safely, and what comes to light by that, in one step."""
        self.run_worker(self._fix_all(), group="fix all", exclusive=True)

    async def _fix_all(self) -> None:
        from kflab.diagnose.mending import mend

        session = self.session
        try:
            mended = await asyncio.to_thread(mend, session.experiment, self._looker(session))
        except KflabError as problem:
            self.say(f"Nothing was fixed: {problem}")
            self.lab.ask_again()
            return
        if self.session.experiment is not session.experiment:
            self.say("Nothing was fixed: the experiment has changed meanwhile.")
            return
        done = [finding.fix.title for finding in mended.applied if finding.fix]
        if not done:
            self.say("There is nothing that can be fixed safely.")
            self.lab.ask_again()
            return
        name = done[0] if len(done) == 1 else f"fix {plural(len(done), 'problem')}"
        self.lab.put(self.session.edited_to(mended.experiment, name))
        self.say(f"fixed: {', '.join(done)}")

    def _looker(self, session: Session) -> Callable[[Experiment], tuple[Finding, ...]]:
        """What finds problems from a thread beside the screen, with the engine where there is one."""
        loop, link = asyncio.get_running_loop(), self.lab.link
        status = self.lab.engine_status
        has_engine = status is not None and status.state is State.READY

        def look(experiment: Experiment) -> tuple[Finding, ...]:
            report = None
            if has_engine:
                report = asyncio.run_coroutine_threadsafe(link.inspect(experiment), loop).result()
                if report is None:
                    raise KflabError("the experiment has changed meanwhile")
            seen = session.look if experiment.data == session.experiment.data else None
            return opening.found_in(experiment, session.folder, report, seen)[1]

        return look

    def action_go_to_problem(self) -> None:
        """Goes to the node or the setting that the selected problem is about."""
        found = self.selected_problem
        if found is None:
            return
        if not found.node and not found.graph:
            if found.path.partition(".")[0] in {"model", "models"}:
                self.go(Pane.GRAPH)
            else:
                self._go_to_setting(found)
            return
        session = problems.going_to(self.session, found)
        if session is None:
            self.say(f"{found.place} is not there any more.")
            return
        self.lab.put(session)
        rows = self.node_rows() if found.path and found.node else []
        row = problems.row_about(rows, found.path)
        if row is None:
            self.go(Pane.GRAPH)
        else:
            self.go(Pane.NODE)
            self.query_one("#node", Form).reveal(row.key)

    def _go_to_setting(self, found: Finding) -> None:
        self.go(Pane.SETUP)
        form = self.query_one("#setup", Form)
        row = problems.row_about(form.all_rows, found.path)
        if row is not None:
            form.reveal(row.key)

    def action_ignore(self) -> None:
        """Switches the rule of the selected problem off, in the document."""
        found = self.selected_problem
        if found is None:
            return
        rule = rule_called(found.code)
        if rule is None:
            self.say(f"{found.code or 'This'} is told after a run, or comes from no rule to switch off.")
            return
        if not rule.ignorable:
            self.say(f"{found.code} can not be switched off: the experiment could not run as it is.")
            return
        session = self.session
        codes = tuple(sorted({*session.experiment.ignore, found.code}))
        changed = msgspec.structs.replace(session.experiment, ignore=codes)
        self.lab.put(session.edited_to(changed, f"switch {found.code} off"))
        self.say(f"{found.code} is switched off in this experiment; u takes it back.")

    def action_explain(self) -> None:
        """Shows all that there is to say about the rule of the selected problem."""
        from kflab.tui.screens.explanation import Explanation

        def fix(wanted: bool | None) -> None:
            if wanted:
                self.action_fix()

        found = self.selected_problem
        if found is not None:
            self.app.push_screen(Explanation(found, explanation(found.code)), fix)


def rule_called(code: str) -> Rule | None:
    """The rule with a code, of those that look before training."""
    from kflab.diagnose import rules

    return next((rule for rule in rules.ALL if rule.code == code), None)


def explanation(code: str) -> str:
    """The long text about a code; nothing where there is none."""
    from kflab.diagnose import verdicts

    rule = rule_called(code) or next((rule for rule in verdicts.ALL if rule.code == code), None)
    return problems.reflowed(rule.text) if rule else ""
