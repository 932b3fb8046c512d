"""Opening, saving and leaving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kflab import document, presets
from kflab.errors import KflabError
from kflab.tui import opening
from kflab.tui.actions.base import LabBase
from kflab.values import Value


class FileActions(LabBase):
    """What the keys do with files."""

    def action_save(self) -> None:
        """Writes the experiment to its file, or asks for one."""
        self.save()

    def action_save_as(self) -> None:
        """Asks for a file and writes the experiment to it."""
        self._save_as(None)

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Writes the experiment, asks for a file where it has none, and goes on."""
        path = self.session.path
        if path is None:
            self._save_as(then)
            return
        try:
            self._write(path)
        except KflabError as problem:
            self.say(str(problem), error=True)
            return
        if then:
            then()

    def _save_as(self, then: Callable[[], None] | None) -> None:
        session = self.session
        folder = session.path.parent if session.path else Path.cwd()

        def write(text: str) -> None:
            path = opening.save_path(text.strip(), folder)
            if path.exists() and path != self.session.path:
                self._ask_overwrite(path, then)
                return
            self._write(path)
            if then:
                then()

        name = session.path.name if session.path else f"{session.source}.yaml"
        self.ask("Save as", name, write, hint=f"in {folder}")

    def _ask_overwrite(self, path: Path, then: Callable[[], None] | None) -> None:
        def answered(key: str) -> None:
            if key != "o":
                return
            try:
                self._write(path)
            except KflabError as problem:
                self.say(str(problem), error=True)
                return
            if then:
                then()

        self.confirm("Save as", f"{path.name} is there already.", [("o", "Overwrite")], answered)

    def _write(self, path: Path) -> None:
        try:
            document.write(self.session.experiment, path)
        except OSError as problem:
            raise KflabError(f"{path.name} could not be written: {problem.strerror or problem}") from problem
        self.lab.put(self.session.saved_to(path))
        self.say(f"saved {path}")

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

    def action_new(self) -> None:
        """Asks for a dataset and starts an experiment on it."""

        def start(value: Value) -> None:
            self.lab.put(opening.new_session(str(value)))

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
                self.save(then)
            else:
                then()

        self.confirm(
            "Unsaved changes",
            f"{self.session.source} has changes that no file has.",
            [("s", "Save"), ("d", "Discard")],
            answered,
        )

    def action_leave(self) -> None:
        """Leaves the lab; asks about changes that no file has."""
        self._keep_first(self.app.exit)
