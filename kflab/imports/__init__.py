"""Models in: what Keras or a Python file describes, read as an experiment without running any of it.

Everything here works on plain data (JSON, zip archives, syntax trees) and needs no Keras; only the
architectures of `keras.applications` are asked of Keras itself, in `kflab.engine.applications`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kflab.errors import UnusableInputError
from kflab.experiment import Experiment


class Note(msgspec.Struct, frozen=True):
    """Something of the source that is not, or not exactly, in the experiment.

    Attributes:
        message: what it is and what was made of it, in one line.
        line: the line of the source, counted from 1; 0 where it has no lines.
    """

    message: str
    line: int = 0

    def text(self) -> str:
        """The note as a line to print."""
        return f"line {self.line}: {self.message}" if self.line else self.message


class ImportRefusedError(UnusableInputError):
    """A source that cannot be brought in; its text says why and what would help.

    Args:
        message: why, in one sentence.
        file: the file that it came from.
        line: the line in the file.
        path: the place in a document.
        notes: all that stands in the way, where one sentence cannot say it; each is a line of the text.
    """

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, path: str = "", notes: Sequence[Note] = ()
    ) -> None:
        super().__init__(message, file=file, line=line, path=path)
        self.notes = tuple(notes)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(note.text() for note in self.notes)])


class Imported(msgspec.Struct, frozen=True):
    """What an import brought in.

    Attributes:
        experiment: the model, with data and training as far as the source tells them.
        notes: what a person should know about the import, in the order of the source.
    """

    experiment: Experiment
    notes: tuple[Note, ...] = ()
