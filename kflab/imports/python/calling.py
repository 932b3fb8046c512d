"""Calls of functions, methods and classes that a Python file defines."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from kflab.imports.python import builtins, plain_methods, standard_library
from kflab.imports.python.arithmetic import PLAIN
from kflab.imports.python.assignments import Assigner
from kflab.imports.python.budget import CALL, CALLS_DEEP
from kflab.imports.python.things import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    Partial,
    Place,
    Raised,
    Ref,
    Scope,
    Unknown,
    causes_in,
)

_TRANSPARENT = frozenset({"staticmethod", "classmethod", "property"})
_OPERATORS: Mapping[str, type[ast.operator]] = {
    "add": ast.Add,
    "sub": ast.Sub,
    "mul": ast.Mult,
    "truediv": ast.Div,
    "matmul": ast.MatMult,
}


class ReturnSignal(Exception):  # noqa: N818 - how a `return` leaves the statements around it
    """A `return` of the file."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class Caller(Assigner):
    """Evaluates calls, too."""

    def run(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Go through statements."""
        raise NotImplementedError

    def call(
        self, function: object, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What a call gives.

        Raises:
            Raised: the file would raise an exception.
        """
        if isinstance(function, Unknown):
            return Unknown.of(function, *positional, *named.values())
        if isinstance(function, PLAIN):
            raise Raised("TypeError", f"{type(function).__name__!r} object is not callable")
        if isinstance(function, Ref):
            return self._name_called(function, positional, named, place)
        if isinstance(function, Partial):
            every = [*function.positional, *positional]
            return self.call(function.function, every, {**function.named, **named}, place)
        if isinstance(function, Builtin):
            return builtins.call(function.name, positional, named, self, place)
        return self._of_file(function, positional, named, place)

    def _of_file(
        self, function: object, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        match function:
            case Function():
                return self._enter(function, positional, named, place)
            case Method():
                return self._method(function, positional, named, place)
            case Class():
                return self._instance(function, positional, named, place)
            case Instance() if (method := function.kind.find("__call__")) is not None:
                return self.call(Partial(method, (function,)), positional, named, place)
        self.budget.spend(CALL)
        return self.library.call(function, positional, named, place)

    def _name_called(
        self, name: Ref, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        module, _, last = name.path.rpartition(".")
        if module == "operator" and last in _OPERATORS and len(positional) == 2:
            return self.binary(_OPERATORS[last](), positional[0], positional[1], place)
        self.budget.spend(CALL)
        result = standard_library.of_module(name.path, positional, named, self, place)
        return self.library.call(name, positional, named, place) if result is None else result

    def _method(
        self, method: Method, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        value = method.value
        if not isinstance(value, PLAIN):
            return self.library.call(method, positional, named, place)
        if method.name == "sort" and isinstance(value, list):
            value[:] = self.iterate(builtins.call("sorted", [value], named, self, place), place)
            return None
        if isinstance(value, str) and causes_in([*positional, *named.values()]):
            return Unknown.of(*positional, *named.values())
        if isinstance(value, str) and method.name == "format":
            shown = [*positional, *named.values()]
            if not all(isinstance(one, PLAIN) for one in shown):
                return place.unknown("is the text of an object", definable=True)
        if method.name in {"extend", "update", "join", "union"} and positional:
            items = positional[0]
            if not isinstance(items, PLAIN):
                items = self.iterate(items, place)
            positional = [items, *positional[1:]]
            if isinstance(items, range):
                self.budget.items(len(items))
        return plain_methods.call(value, method.name, positional, named, self.budget)

    def _instance(
        self, kind: Class, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        instance = Instance(kind)
        made = kind.find("__init__")
        if isinstance(made, Function):
            self.call(Partial(made, (instance,)), positional, named, place)
        elif kind.fields is not None:
            given = dict(zip(kind.fields, positional, strict=False)) | dict(named)
            instance.attributes.update(given)
            if isinstance(kind.find("__post_init__"), Function):
                self.call(Partial(kind.find("__post_init__"), (instance,)), [], {}, place)
        elif kind.keras_base() is not None:
            instance.attributes.update({f"__{name}__": value for name, value in named.items()})
        if isinstance(kind.keras_base(), Ref):
            return self.library.call(Method(instance, "__init__"), positional, named, place)
        return instance

    def _enter(
        self, function: Function, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What a function of the file returns."""
        scope = Scope(function.scope)
        self._bind(function, positional, named, scope)
        if positional and function.owner is not None:
            scope.names["__self__"] = positional[0]
            scope.names["__owner__"] = function.owner
        if isinstance(function.node, ast.Lambda):
            with_depth = function.node.body
            return self._deeper(lambda: self.eval(with_depth, scope))
        if function.is_generator:
            return place.unknown("gives its values one by one (yield), which is not read")
        body = function.node.body

        def go() -> object:
            try:
                self.run(body, scope)
            except ReturnSignal as signal:
                return signal.value
            return None

        return self._deeper(go)

    def _deeper(self, work: object) -> object:
        self.budget.depth += 1
        if self.budget.depth > CALLS_DEEP:
            self.budget.refuse(f"its functions call each other more than {CALLS_DEEP} deep")
        line = self.budget.line
        try:
            assert callable(work)
            return work()
        finally:
            self.budget.depth -= 1
            self.budget.line = line

    def _bind(
        self, function: Function, positional: Sequence[object], named: Mapping[str, object], scope: Scope
    ) -> None:
        """Give the arguments of a function their values.

        Raises:
            Raised: they do not fit.
        """
        arguments = function.node.args
        plain = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
        known = dict.fromkeys([*plain, *(argument.arg for argument in arguments.kwonlyargs)])
        extra = {name: value for name, value in named.items() if name not in known}
        if len(positional) > len(plain) and arguments.vararg is None:
            raise Raised("TypeError", f"{function.name} takes {len(plain)} arguments, not {len(positional)}")
        if extra and arguments.kwarg is None:
            raise Raised("TypeError", f"{function.name} has no argument {next(iter(extra))!r}")
        given = dict(zip(plain, positional, strict=False)) | {
            name: value for name, value in named.items() if name in known
        }
        scope.names.update({name: self._value_of(function, name, given) for name in known})
        if arguments.vararg is not None:
            scope.names[arguments.vararg.arg] = tuple(positional[len(plain) :])
        if arguments.kwarg is not None:
            scope.names[arguments.kwarg.arg] = extra

    def _value_of(self, function: Function, name: str, given: Mapping[str, object]) -> object:
        """The value of an argument: given, the default, or from outside where that is not known."""
        values = given if name in given else function.defaults
        if name in self.define and (name not in values or isinstance(values[name], Unknown)):
            return self.define[name]
        if name not in values:
            raise Raised("TypeError", f"{function.name} needs the argument {name!r}")
        return values[name]
