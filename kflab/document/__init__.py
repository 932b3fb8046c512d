"""The experiment as a document: read with errors that name the line, saved with its comments kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kflab import catalog
from kflab.document import decoding, encoding, yaml_text
from kflab.document.decoding import Remembered
from kflab.document.files import ChangedOnDiskError, FileState, replace, text_and_state, text_of
from kflab.document.verify import problems
from kflab.errors import UnusableInputError
from kflab.experiment import Experiment
from kflab.values import Value

__all__ = [
    "ChangedOnDiskError",
    "FileState",
    "Remembered",
    "decode",
    "dump",
    "encode",
    "read",
    "read_text",
    "read_with_state",
    "text_of",
    "write",
]


def decode(plain: Mapping[str, Value], file: str = "", remembered: Remembered | None = None) -> Experiment:
    """The experiment that a plain document describes.

    Args:
        plain: the document.
        file: where it comes from, for errors.
        remembered: what was decoded before, for whoever decodes one state of a document after the other.

    Raises:
        UnusableInputError: with the path of the first thing that can not be used.
    """
    try:
        return _decode(plain, remembered)
    except decoding.ProblemError as problem:
        path = yaml_text.spell(problem.path)
        raise UnusableInputError(problem.message, file=file, path=path, code=problem.code) from None


def _decode(plain: Mapping[str, Value], remembered: Remembered | None = None) -> Experiment:
    offers = catalog.load()
    experiment = decoding.experiment(plain, offers, remembered)
    for problem in problems(experiment, offers):
        raise problem
    return experiment


def encode(experiment: Experiment) -> dict[str, Value]:
    """The plain document of an experiment; what has its default is left out."""
    return encoding.document(experiment)


def read_text(text: str, file: str = "") -> Experiment:
    """The experiment in a YAML text.

    Raises:
        UnusableInputError: with line and path of the first thing that can not be used.
    """
    source = yaml_text.parse(text, file)
    try:
        return _decode(source.value)
    except decoding.ProblemError as problem:
        path = yaml_text.spell(problem.path)
        line = source.line(problem.path)
        raise UnusableInputError(
            problem.message, file=file, line=line, path=path, code=problem.code
        ) from None


def read(path: Path) -> Experiment:
    """The experiment in a file.

    Raises:
        UnusableInputError: with file, line and path of the first thing that can not be used.
    """
    return read_text(text_of(path), str(path))


def read_with_state(path: Path) -> tuple[Experiment, FileState]:
    """The experiment in a file, and the state that the file was in.

    Raises:
        UnusableInputError: with file, line and path of the first thing that can not be used.
    """
    text, state = text_and_state(path)
    return read_text(text, str(path)), state


def dump(experiment: Experiment, template: str = "") -> str:
    """The YAML text of an experiment; comments and spelling of `template` stay where nothing changed.

    Args:
        experiment: what to write.
        template: the text that it, or an earlier state of it, was read from.
    """
    before = _parsed(template)
    if before is not None and _is_document_of(experiment, before.value):
        return template
    return yaml_text.compose(encode(experiment), before, encoding.DocumentStyle())


def _parsed(template: str) -> yaml_text.Source | None:
    """The document in a text, or nothing where it is none whose comments could be kept."""
    try:
        return yaml_text.parse(template)
    except UnusableInputError:
        return None


def _is_document_of(experiment: Experiment, plain: Mapping[str, Value]) -> bool:
    try:
        return decode(plain) == experiment
    except UnusableInputError:
        return False


def write(experiment: Experiment, path: Path, *, expecting: FileState | None = None) -> FileState:
    """Save an experiment; the comments of a file that is there already stay.

    The file is replaced in one step, so that a crash leaves the old one.

    Args:
        experiment: what to save.
        path: the file.
        expecting: the state that the file was read in, where it must not have changed since.

    Returns:
        The state of the file now.

    Raises:
        ChangedOnDiskError: the file is there in another state than was expected.
        UnusableInputError: the file can not be written.
    """
    try:
        template = text_of(path) if path.exists() else ""
    except UnusableInputError:
        template = ""  # what stands there is no text whose comments could be kept
    text = dump(experiment, template)
    try:
        return replace(path, text.encode(), expecting=expecting)
    except OSError as error:
        raise UnusableInputError(f"can not be written: {error.strerror}", file=str(path)) from None
