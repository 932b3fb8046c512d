"""The experiment that a command line names, with what it overrides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kflab.experiment import Experiment


class Named(NamedTuple):
    """An experiment as a command uses it.

    Attributes:
        experiment: what the file says, with the overrides.
        path: its file.
        text: its YAML, with the overrides: what a run folder keeps.
    """

    experiment: Experiment
    path: Path
    text: str

    @property
    def base(self) -> Path:
        """The folder that relative paths in the experiment start from."""
        return self.path.resolve().parent


def load(name: str, assignments: tuple[str, ...] = ()) -> Named:
    """The experiment called `name`, a preset or a file, with `PATH=VALUE` assignments.

    Raises:
        UnusableInputError: there is no such experiment, or it or an assignment can not be used.
    """
    from kflab import document, presets
    from kflab.document.assign import assign

    path = presets.find(name)
    text = document.text_of(path)
    experiment = document.read_text(text, str(path))
    if assignments:
        experiment = assign(experiment, assignments)
        text = document.dump(experiment, text)
    return Named(experiment, path, text)
