"""From the text of a Python file to an experiment: which model it is, and what stands in the way."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kflab import catalog
from kflab.experiment import Experiment
from kflab.imports import Imported, ImportRefusedError, Note
from kflab.imports.python.architectures import Applications
from kflab.imports.python.budget import Budget, OverBudgetError
from kflab.imports.python.choosing import Choice, NoModelError, names_of
from kflab.imports.python.graphs import GraphMaker
from kflab.imports.python.keras_library import KerasLibrary
from kflab.imports.python.recorded import ModelObject
from kflab.imports.python.statements import Interpreter
from kflab.imports.python.things import Cause, Place, Raised, Unreadable
from kflab.imports.python.tracing import SpecsOf
from kflab.imports.python.training import TrainingReader
from kflab.values import Value

LONGEST = 4_000_000
"""Characters of a file at most; more is no script that builds a model."""


class Source(msgspec.Struct, frozen=True):
    """A file to read.

    Attributes:
        text: its Python source.
        file: its name, for errors.
        place: words for the place of a line, where that is not its number: `cell 3, line 2`.
    """

    text: str
    file: str = ""
    place: Callable[[int], str] | None = None


def read_source(
    source: Source,
    model: str,
    define: Mapping[str, Value],
    specs_of: SpecsOf | None,
    applications: Applications | None,
) -> Imported:
    """The experiment that a file describes.

    Raises:
        ImportRefusedError: with all that stands in the way, each with its line.
    """
    tree = _parsed(source)
    library = KerasLibrary(catalog.load(), specs_of)
    library.applications = applications
    budget = Budget()
    interpreter = Interpreter(library, budget, define)
    library.start(interpreter.call)
    library.input_shape = define.get("input_shape")
    try:
        interpreter.run_module(tree.body)
        chosen = Choice(interpreter, library).choose(model)
        imported = _imported(library, interpreter, chosen, tree, source)
    except NoModelError as none:
        raise _refusal(source, none.message, none.causes) from None
    except Unreadable as unreadable:
        others = names_of([one for one in library.models if not one.causes and not one.application])
        hint = f"; --model brings in another: {', '.join(others[:6])}" if others and not model else ""
        raise _refusal(source, f"the model cannot be brought in{hint}", unreadable.causes) from None
    except Raised as raised:
        cause = Place(raised.line or budget.line).cause(
            f"would raise {raised.kind}: {raised.message}", "this"
        )
        raise _refusal(source, "the model cannot be brought in", [cause]) from None
    except OverBudgetError as error:
        raise ImportRefusedError(error.message, file=source.file, line=error.line) from None
    except (RecursionError, MemoryError):
        raise ImportRefusedError(
            "it is nested too deeply to be read", file=source.file, line=budget.line
        ) from None
    return imported


def _parsed(source: Source) -> ast.Module:
    if len(source.text) > LONGEST:
        raise ImportRefusedError(f"it is too long ({len(source.text):,} characters)", file=source.file)
    try:
        return ast.parse(source.text)
    except SyntaxError as error:
        line = error.lineno or 0
        place = f"{source.place(line)}: " if source.place and line else ""
        raise ImportRefusedError(
            f"{place}it is not Python 3: {error.msg}", file=source.file, line=0 if place else line
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ImportRefusedError(
            f"it cannot be read as Python: {error or 'it is nested too deeply'}", file=source.file
        ) from None


def _tell_of_others(library: KerasLibrary, chosen: ModelObject) -> None:
    """Tell of the models that the file makes besides the one that came in and those that it calls."""
    others = [
        one
        for one in library.models
        if one is not chosen and not one.calls and not one.causes and not one.application
    ]
    if others:
        named = ", ".join(names_of(others))
        what = f"the file makes other models, not brought in{': ' if named else ''}{named}"
        library.note(f"{what}; --model NAME brings in another", others[0].line)


def _imported(
    library: KerasLibrary, interpreter: Interpreter, model: ModelObject, tree: ast.Module, source: Source
) -> Imported:
    maker = GraphMaker(library)
    graph = maker.main(model)
    _tell_of_others(library, model)
    reader = TrainingReader(library, model, graph)
    data, training = reader.data(reader.training())
    experiment = Experiment(
        title=_title(tree), data=data, model=graph, models=maker.graphs, training=training
    )
    notes = sorted({*library.notes, *interpreter.notes}, key=lambda note: (note.line, note.message))
    return Imported(experiment, tuple(_placed(note, source) for note in notes))


def _placed(note: Note, source: Source) -> Note:
    if source.place is None or not note.line:
        return note
    return Note(f"{source.place(note.line)}: {note.message}")


def _title(tree: ast.Module) -> str:
    """What the file says it is: the `Title:` of its docstring, or the docstring's first line."""
    lines = (ast.get_docstring(tree) or "").splitlines()
    title = next((line.partition(":")[2] for line in lines if line.lower().startswith("title:")), "")
    return (title or (lines[0] if lines else "")).strip().strip("#").strip().removesuffix(".")[:120]


def _refusal(source: Source, message: str, causes: Sequence[Cause]) -> ImportRefusedError:
    unique = {(cause.line, cause.message()): None for cause in sorted(causes, key=lambda one: one.line)}
    notes = tuple(_placed(Note(text, line), source) for line, text in unique)
    return ImportRefusedError(message, file=source.file, notes=notes)
