"""From the text of a Python file to an experiment: which model it is, and what stands in the way."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kflab import catalog
from kflab.errors import did_you_mean
from kflab.experiment import Experiment
from kflab.imports import Imported, ImportRefusedError, Note
from kflab.imports.python import composite
from kflab.imports.python.architectures import Applications
from kflab.imports.python.budget import Budget, OverBudgetError
from kflab.imports.python.graphs import GraphMaker
from kflab.imports.python.keras_library import KerasLibrary
from kflab.imports.python.recorded import LayerObject, ModelObject, Tensor
from kflab.imports.python.statements import Interpreter
from kflab.imports.python.things import Cause, Function, Instance, Place, Raised, Unknown, Unreadable
from kflab.imports.python.tracing import SpecsOf
from kflab.imports.python.training import TrainingReader
from kflab.values import Value

LONGEST = 4_000_000
"""Characters of a file at most; more is no script that builds a model."""

_MAKERS = frozenset({"Model", "Sequential", "Functional"})


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
        chosen = _Choice(interpreter, library, tree).choose(model)
        imported = _imported(library, interpreter, chosen, tree, source)
    except _NoModel as none:
        raise _refusal(source, none.message, none.causes) from None
    except Unreadable as unreadable:
        others = _names([one for one in library.models if not one.causes and not one.application])
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


class _NoModel(Exception):  # noqa: N818 - becomes a refusal
    def __init__(self, message: str, causes: Sequence[Cause] = ()) -> None:
        super().__init__(message)
        self.message, self.causes = message, causes


class _Choice:
    """Chooses which of a file's models is meant."""

    def __init__(self, interpreter: Interpreter, library: KerasLibrary, tree: ast.Module) -> None:
        self._interpreter, self._library, self._tree = interpreter, library, tree

    def choose(self, name: str) -> ModelObject:
        """The model called `name`, or the one that the file is about."""
        if name:
            return self._named(name)
        models = self._library.models
        if not models:
            self._call_makers(self._makers())
            models = self._library.models
        return self._main(models) if models else self._of_loose_layers()

    def _named(self, name: str) -> ModelObject:
        value = self._interpreter.module.names.get(name)
        if isinstance(value, Function):
            made = self._call_maker(value)
            if made is not None:
                return made
        found = _as_model(value)
        if found is None:
            found = next(
                (one for one in reversed(self._library.models) if name in {one.name, one.hint}), None
            )
        if isinstance(value, Unknown) and found is None:
            raise Unreadable(value.causes)
        if found is None:
            names = _names(self._library.models) + [maker.name for maker in self._makers()]
            hint = did_you_mean(name, names) or f"; there is {', '.join(names) or 'none'}"
            raise _NoModel(f"there is no model {name!r}{hint}")
        return found

    def _main(self, models: Sequence[ModelObject]) -> ModelObject:
        """The one that is fitted, or compiled, or made last and called by no other."""
        own = [one for one in models if not one.application or one.compiled] or list(models)
        fitted = [one for one in own if one.fitted]
        compiled = [one for one in own if one.compiled]
        free = [one for one in own if not one.calls]
        readable = [one for one in free if not one.causes]
        return (fitted or compiled or readable or free or own)[-1]

    def _makers(self) -> list[Function]:
        """The functions of the file that make models and are called by no other such function."""
        functions = {
            name: value
            for name, value in self._interpreter.module.names.items()
            if isinstance(value, Function) and isinstance(value.node, ast.FunctionDef)
        }
        called = {name: _called_in(function.node) for name, function in functions.items()}
        makers = {name for name in functions if called[name] & _MAKERS}
        while True:
            more = {name for name in functions if called[name] & makers} - makers
            if not more:
                break
            makers |= more
        inside = {one for name in makers for one in called[name] if one != name}
        return [functions[name] for name in functions if name in makers and name not in inside]

    def _call_makers(self, makers: Sequence[Function]) -> None:
        """Call the last function that makes a model; those before it where it makes none."""
        for maker in reversed(makers):
            if self._call_maker(maker) is not None:
                return

    def _call_maker(self, maker: Function) -> ModelObject | None:
        """The model that a function of the file returns, called with its defaults and what else is known."""
        node, names = maker.node, self._interpreter.module.names
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        given: dict[str, object] = {}
        define = self._interpreter.define
        for argument in arguments:
            name = argument.arg
            if name in define:
                given[name] = define[name]
            elif name not in maker.defaults:
                known = next((names[one] for one in (name, name.upper(), name.lower()) if one in names), None)
                cause = Cause(argument.lineno, name, f"of {maker.name} has no value", True, name)
                given[name] = Unknown((cause,)) if known is None or isinstance(known, Function) else known
        self._library.note(f"the model is what {maker.name}() returns", node.lineno)
        result = self._interpreter.call(maker, [], given, Place(node.lineno, node))
        values = result if isinstance(result, list | tuple) else [result]
        found = [model for value in values if (model := _as_model(value)) is not None]
        if not found and isinstance(result, Unknown):
            raise Unreadable(result.causes)
        return found[-1] if found else None

    def _of_loose_layers(self) -> ModelObject:
        """The model between the Inputs and the tensors that nothing uses, where no Model is made of them."""
        calls = self._library.calls
        used = {tensor.call for call in calls for tensor in call.tensors()}
        inputs = [call for call in calls if isinstance(call.target, LayerObject) and call.target.is_input]
        ends = [call for call in calls if call not in used and call not in inputs]
        if not inputs or not ends:
            causes = [
                cause
                for value in self._interpreter.module.names.values()
                if isinstance(value, Unknown)
                for cause in value.causes
                if not cause.definable
            ]
            raise _NoModel(
                "no model is made here; expected keras.Model(...), keras.Sequential(...) or a function that "
                "returns one",
                causes[:5],
            )
        self._library.note(
            "no Model is made: it is what lies between the Inputs and the last layers", ends[-1].line
        )
        outputs = tuple(Tensor(call) for call in ends)
        return ModelObject(ends[-1].line, inputs=tuple(Tensor(call) for call in inputs), outputs=outputs)


def _names(models: Sequence[ModelObject]) -> list[str]:
    return list(dict.fromkeys(one.hint or one.name for one in models if one.hint or one.name))


def _tell_of_others(library: KerasLibrary, chosen: ModelObject) -> None:
    """Tell of the models that the file makes besides the one that came in and those that it calls."""
    others = [
        one
        for one in library.models
        if one is not chosen and not one.calls and not one.causes and not one.application
    ]
    if others:
        named = ", ".join(_names(others))
        what = f"the file makes other models, not brought in{': ' if named else ''}{named}"
        library.note(f"{what}; --model NAME brings in another", others[0].line)


def _as_model(value: object) -> ModelObject | None:
    if isinstance(value, ModelObject):
        return value
    return composite.model_of(value) if isinstance(value, Instance) else None


def _called_in(function: ast.AST) -> set[str]:
    """The last names of all that a function calls."""
    return {
        part.func.attr if isinstance(part.func, ast.Attribute) else part.func.id
        for part in ast.walk(function)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute | ast.Name)
    }


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
