"""Opening, saving and leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from kflab import document, presets
from kflab.errors import KflabError, UnusableInputError
from kflab.tui import opening
from kflab.tui.actions.disk import DiskActions, look
from kflab.tui.actions.recovery import RecoveryActions
from kflab.tui.text import plural
from kflab.values import Value


class FileActions(DiskActions, RecoveryActions):
    """What the keys do with files."""

    def __init__(self) -> None:
        super().__init__()
        self._saving = asyncio.Lock()

    def action_save(self) -> None:
        """Writes the experiment to its file, or asks for one."""
        self.save()

    def action_save_as(self) -> None:
        """Asks for a file and writes the experiment to it."""
        self.save_elsewhere()

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Writes the experiment, asks for a file where it has none, and goes on once it is written."""
        path = self.session.path
        if path is None:
            self.save_elsewhere(then)
        else:
            self._start_writing(path, then)

    def save_elsewhere(self, then: Callable[[], None] | None = None) -> None:
        """Asks for another file, writes the experiment to it, and goes on."""
        session = self.session
        folder = session.path.parent if session.path else Path.cwd()

        def write(text: str) -> None:
            path = opening.save_path(text.strip(), folder).resolve()
            if path.exists() and path != self.session.path:
                self._ask_overwrite(path, then)
            else:
                self._start_writing(path, then)

        name = session.path.name if session.path else f"{session.source}.yaml"
        self.ask("Save as", name, write, hint=f"in {folder}")

    def _ask_overwrite(self, path: Path, then: Callable[[], None] | None) -> None:
        self.confirm(
            "Save as",
            f"{path.name} is there already.",
            [("o", "Overwrite")],
            lambda _: self._start_writing(path, then),
        )

    def _start_writing(self, path: Path, then: Callable[[], None] | None) -> None:
        self.run_worker(self._write(path, then), group="save")

    async def _write(self, path: Path, then: Callable[[], None] | None) -> None:
        """Writes the experiment as it is now. What is edited meanwhile stays unsaved."""
        async with self._saving:
            session = self.session
            # Of its own file it must know what it replaces; another was asked about already.
            expecting = session.disk if path == session.path else None
            try:
                disk = await asyncio.to_thread(document.write, session.experiment, path, expecting=expecting)
            except document.ChangedOnDiskError:
                await self._ask_before_overwriting(path, then)
                return
            except UnusableInputError as problem:
                self.say(f"{path.name} is not saved: {problem.message}", error=True)
                return
            self.lab.put(self.session.saved_to(path, session.experiment, disk))
        self.say(f"saved {path}")
        if then:
            then()

    async def _ask_before_overwriting(self, path: Path, then: Callable[[], None] | None) -> None:
        found = await asyncio.to_thread(look, path, self.session.disk)
        if found is None or found.state is None:
            self._start_writing(path, then)  # It is as it was, or gone.
        else:
            self.ask_about_change(found, lambda: self._start_writing(path, then))

    def action_open(self) -> None:
        """Asks for a preset or a file and opens it."""
        self._keep_first(lambda: self._choose_file("Open"))

    def action_presets(self) -> None:
        """Asks for a preset and opens it."""
        self._keep_first(lambda: self.choose("Open a preset", opening.preset_options(), self._open))

    def _choose_file(self, title: str) -> None:
        folder = self.session.path.parent if self.session.path else Path.cwd()
        options = [*opening.file_options(folder), *opening.preset_options()]
        self.choose(title, options, self._open, prompt="name, or the path of a file", typed=str)

    def _open(self, value: Value) -> None:
        try:
            self.lab.open(presets.find(str(value)))
        except KflabError as problem:
            self.say(str(problem), error=True)
        else:
            self.lab.offer_unsaved()

    def action_new(self) -> None:
        """Asks for a dataset and starts an experiment on it."""

        def start(value: Value) -> None:
            self.lab.turn_to(opening.new_session(str(value)))

        self._keep_first(
            lambda: self.choose("New experiment on", opening.dataset_choices(), start, prompt="dataset")
        )

    def _keep_first(self, then: Callable[[], None]) -> None:
        """Goes on, but asks about changes that no file has."""
        if not self.session.unsaved:
            then()
            return

        def answered(key: str) -> None:
            if key == "s":
                # Something may be edited while it is written.
                self.save(lambda: self._keep_first(then))
            else:
                then()

        count = self.session.edits
        edits = f" ({plural(count, 'edit')})" if count else ""
        self.confirm(
            "Unsaved changes",
            f"{self.session.source} has changes that no file has{edits}.",
            [("s", "Save"), ("d", "Discard")],
            answered,
        )

    def action_leave(self) -> None:
        """Leaves the lab; asks about changes that no file has."""
        self._keep_first(self.lab.leave)
