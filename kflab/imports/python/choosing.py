"""Which of the models is meant that a Python file makes, or could make if it were asked to."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from kflab.errors import did_you_mean
from kflab.imports.python import composite
from kflab.imports.python.keras_library import KerasLibrary
from kflab.imports.python.recorded import LayerObject, ModelObject, Tensor
from kflab.imports.python.statements import Interpreter
from kflab.imports.python.things import (
    Cause,
    Class,
    Function,
    Instance,
    Partial,
    Place,
    Unknown,
    Unreadable,
)

_MAKERS = frozenset({"Model", "Sequential", "Functional"})


class NoModelError(Exception):
    """No model is found that could be meant."""

    def __init__(self, message: str, causes: Sequence[Cause] = ()) -> None:
        super().__init__(message)
        self.message, self.causes = message, causes


class Choice:
    """Chooses which of a file's models is meant."""

    def __init__(self, interpreter: Interpreter, library: KerasLibrary) -> None:
        self._interpreter, self._library = interpreter, library

    def choose(self, name: str) -> ModelObject:
        """The model called `name`, or the one that the file is about."""
        if name:
            return self._named(name)
        models = self._library.models
        if not models:
            self._call_makers(_makers(_functions(self._names)))
            models = self._library.models
        if not models:
            self._use_classes()
            models = self._library.models
        return self._main(models) if models else self._of_loose_layers()

    def _named(self, name: str) -> ModelObject:
        value = self._names.get(name)
        if isinstance(value, Function):
            made = self._call_maker(value)
            if made is not None:
                return made
        found = _as_model(value)
        owner, _, method = name.partition(".")
        kind = self._names.get(owner)
        if found is None and isinstance(kind, Class):
            found = self._use_class(kind, method)
        if found is None:
            found = next(
                (one for one in reversed(self._library.models) if name in {one.name, one.hint}), None
            )
        if isinstance(value, Unknown) and found is None:
            raise Unreadable(value.causes)
        if found is None:
            names = names_of(self._library.models) + [
                maker.name for maker in _makers(_functions(self._names))
            ]
            hint = did_you_mean(name, names) or f"; there is {', '.join(names) or 'none'}"
            raise NoModelError(f"there is no model {name!r}{hint}")
        return found

    def _main(self, models: Sequence[ModelObject]) -> ModelObject:
        """The one that is fitted, or compiled, or made last and called by no other."""
        own = [one for one in models if not one.application or one.compiled] or list(models)
        fitted = [one for one in own if one.fitted]
        compiled = [one for one in own if one.compiled]
        free = [one for one in own if not one.calls]
        readable = [one for one in free if not one.causes]
        return (fitted or compiled or readable or free or own)[-1]

    @property
    def _names(self) -> Mapping[str, object]:
        return self._interpreter.module.names

    def _classes(self) -> list[Class]:
        return [value for value in self._names.values() if isinstance(value, Class)]

    def _use_classes(self) -> None:
        """Make an object of the last class that makes models, and call its methods that do, too."""
        for kind in reversed(self._classes()):
            if self._use_class(kind) is not None:
                return

    def _use_class(self, kind: Class, method: str = "") -> ModelObject | None:
        """The model that an object of a class makes: in a method, or when it is made itself."""
        methods = {name: one for name, one in kind.names.items() if isinstance(one, Function)}
        makers = [methods[method]] if method in methods else _makers(methods)
        if not makers:
            return None
        before = len(self._library.models)
        place = Place(kind.line)
        start = kind.find("__init__")
        given = self._given(start, 1) if isinstance(start, Function) else {}
        instance = self._interpreter.call(kind, [], given, place)
        made = self._library.models[before:]
        if made and not method:
            self._library.note(f"the model is what {kind.name}() makes", kind.line)
            return made[-1]
        for maker in reversed([one for one in makers if one is not start]):
            bound = self._interpreter.attribute(instance, maker.name, place)
            taken = len(bound.positional) if isinstance(bound, Partial) else 0
            model = self._call_maker(maker, bound, taken, f"{kind.name}.{maker.name}")
            if model is not None:
                return model
        return None

    def _call_makers(self, makers: Sequence[Function]) -> None:
        """Call the last function that makes a model; those before it where it makes none."""
        for maker in reversed(makers):
            if self._call_maker(maker) is not None:
                return

    def _given(self, maker: Function, taken: int = 0) -> dict[str, object]:
        """What is known of the arguments of a function that have no default.

        Args:
            maker: the function.
            taken: how many of the first it has already, as `self`.
        """
        node, names = maker.node, self._names
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs][taken:]
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
        return given

    def _call_maker(
        self, maker: Function, bound: object = None, taken: int = 0, name: str = ""
    ) -> ModelObject | None:
        """The model that a function of the file returns, called with its defaults and what else is known.

        Args:
            maker: the function.
            bound: what is called, where that is a method of an object.
            taken: how many arguments it has already.
            name: what to call it.
        """
        node, name = maker.node, name or maker.name
        self._library.note(f"the model is what {name}() returns", node.lineno)
        before = len(self._library.models)
        given = self._given(maker, taken)
        result = self._interpreter.call(bound or maker, [], given, Place(node.lineno, node))
        values = result if isinstance(result, list | tuple) else [result]
        found = [model for value in values if (model := _as_model(value)) is not None]
        if not found:
            made = [one for one in self._library.models[before:] if not one.calls and not one.causes]
            if made:
                if isinstance(result, Unknown):
                    what = f"what {name}() does with the model once it is made is not read"
                    self._library.note(what, made[-1].line)
                return made[-1]
        if not found and isinstance(result, Unknown):
            broken = [one for one in self._library.models[before:] if one.causes]
            raise Unreadable(broken[-1].causes if broken else result.causes)
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
                for value in self._names.values()
                if isinstance(value, Unknown)
                for cause in value.causes
                if not cause.definable
            ]
            raise NoModelError(
                "no model is made here; expected keras.Model(...), keras.Sequential(...) or a function that "
                "returns one",
                causes[:5],
            )
        self._library.note(
            "no Model is made: it is what lies between the Inputs and the last layers", ends[-1].line
        )
        outputs = tuple(Tensor(call) for call in ends)
        return ModelObject(ends[-1].line, inputs=tuple(Tensor(call) for call in inputs), outputs=outputs)


def names_of(models: Sequence[ModelObject]) -> list[str]:
    """The names of models, as far as they have any."""
    return list(dict.fromkeys(one.hint or one.name for one in models if one.hint or one.name))


def _functions(names: Mapping[str, object]) -> dict[str, Function]:
    return {name: value for name, value in names.items() if isinstance(value, Function)}


def _makers(functions: Mapping[str, Function]) -> list[Function]:
    """The functions that make models and are called by no other such function."""
    called = {
        name: _called_in(function.node)
        for name, function in functions.items()
        if isinstance(function.node, ast.FunctionDef)
    }
    makers = {name for name in called if called[name] & _MAKERS}
    while True:
        more = {name for name in called if called[name] & makers} - makers
        if not more:
            break
        makers |= more
    inside = {one for name in makers for one in called[name] if one != name}
    return [functions[name] for name in called if name in makers and name not in inside]


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
