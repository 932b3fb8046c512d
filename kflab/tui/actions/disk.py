"""What happens to the experiment's file while it is open: somebody else writes it, moves it, deletes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
from textual.screen import ModalScreen

from kflab import document
from kflab.document.files import FileState, state_of
from kflab.errors import UnusableInputError
from kflab.experiment import Experiment
from kflab.tui.actions.base import LabBase
from kflab.tui.widgets.form import Form

INTERVAL = 2.0
"""Seconds between two looks at the file while somebody looks at the lab."""


class OnDisk(msgspec.Struct, frozen=True):
    """A file as it is found.

    Attributes:
        state: its state; none where there is no file.
        experiment: what it holds; none where that is no experiment.
        problem: why it is none.
    """

    state: FileState | None
    experiment: Experiment | None = None
    problem: str = ""


def look(path: Path, known: FileState | None) -> OnDisk | None:
    """The file where it holds something else than in a state that is known; none where it does not."""
    state = state_of(path, known)
    if state is known:
        return None
    if state is None:
        return OnDisk(None)
    if state.same_content(known):
        return OnDisk(state)
    try:
        experiment, state = document.read_with_state(path)
    except UnusableInputError as problem:
        place = f"line {problem.line}: " if problem.line else ""
        return OnDisk(state, problem=f"{place}{problem.message}")
    return OnDisk(state, experiment)


class DiskActions(LabBase):
    """Notices that the file was changed on disk, and asks where both sides have changed."""

    def __init__(self) -> None:
        super().__init__()
        self._asked_about: FileState | None = None

    def save_elsewhere(self) -> None:
        """Asks for another file and writes the experiment to it."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Looks at the file now and then."""
        self.set_interval(INTERVAL, self._look_again)
        self.watch(self.app, "app_focus", self._look_again, init=False)

    def _look_again(self) -> None:
        # Who does not look at the lab needs no news, and a dialog or a line that is typed comes first.
        is_busy = isinstance(self.app.screen, ModalScreen) or any(form.editing for form in self.query(Form))
        if self.lab.app_focus and not is_busy and self.session.path is not None:
            self.run_worker(self._look_at_file(self.session.path), group="disk", exclusive=True)

    async def _look_at_file(self, path: Path) -> None:
        known = self.session.disk
        found = await asyncio.to_thread(look, path, known)
        session = self.session
        if found is None or session.path != path or session.disk is not known:
            return
        if found.state is not None and found.state.same_content(known):
            self.lab.put(session.on_disk(session.saved, found.state))
        elif found.state is None:
            if known is not None:
                self.lab.put(session.on_disk(None, None))
                self.say(f"{path.name} is gone from disk; w writes it again", error=True)
        elif found.state != self._asked_about:
            self._asked_about = found.state
            self._tell_change(path, found)

    def _tell_change(self, path: Path, found: OnDisk) -> None:
        session = self.session
        if found.experiment is None or found.state is None:
            # What is here is in no file any more.
            self.lab.put(session.on_disk(None, session.disk))
            self.say(f"{path.name} was changed on disk: {found.problem}; what you see is kept", error=True)
        elif not session.unsaved:
            self._load(found.experiment, found.state)
        elif session.experiment == found.experiment:
            self.lab.put(session.on_disk(session.experiment, found.state))
        else:
            self.ask_about_change(found, lambda: None)

    def _load(self, experiment: Experiment, state: FileState) -> None:
        session = self.session
        if session.experiment == experiment:
            self.lab.put(session.on_disk(session.experiment, state))
            return
        self.lab.put(session.reloaded(experiment, state))
        name = session.path.name if session.path else session.source
        self.say(f"{name} was changed on disk and is loaded; u takes that back")

    def ask_about_change(self, found: OnDisk, then: Callable[[], None]) -> None:
        """Asks what to do where the file and the session both have changed.

        Args:
            found: the file as it is now.
            then: what to go on with once the session may overwrite the file.
        """
        session = self.session
        name = session.path.name if session.path else session.source
        what = "was changed on disk" if not found.problem else "was changed on disk and is no experiment now"

        def answered(key: str) -> None:
            now = self.session
            if key == "k":
                self.lab.put(now.on_disk(found.experiment, found.state))
                then()
            elif key == "t" and found.experiment is not None and found.state is not None:
                self._load(found.experiment, found.state)
            elif key == "a":
                self.save_elsewhere()

        theirs = [("t", "Load theirs")] if found.experiment is not None else []
        self.confirm(
            "Changed on disk",
            f"{name} {what} since it was opened, and you have changes that are not saved. "
            + ("Theirs can be taken back with u." if theirs else found.problem),
            [("k", "Keep mine"), *theirs, ("a", "Save mine as")],
            answered,
        )
