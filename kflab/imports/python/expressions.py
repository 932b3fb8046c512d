"""Expressions of a Python file, evaluated on what is known; nothing of the file is executed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from kflab.imports.python import arithmetic, builtins, plain_methods, sizes
from kflab.imports.python.arithmetic import PLAIN, Plain
from kflab.imports.python.budget import Budget
from kflab.imports.python.library import Library
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
    Super,
    Unknown,
    Unreadable,
    causes_in,
)

_CONVERSIONS: Mapping[int, Callable[[object], str]] = {ord("r"): repr, ord("s"): str, ord("a"): ascii}
"""What stands after the `!` of an f-string."""

_Evaluation = Callable[[Any, Scope], object]


class Evaluator:
    """Evaluates expressions.

    Args:
        library: what modules hold.
        budget: how much work it may be.
        define: values from outside for variables or expressions that the file does not tell.
    """

    def __init__(self, library: Library, budget: Budget, define: Mapping[str, object]) -> None:
        self.library = library
        self.budget = budget
        self.define = define
        self.stars: list[str] = []
        self._by_type: dict[type, _Evaluation] = {}

    def eval(self, node: ast.expr, scope: Scope) -> object:
        """The value of an expression; `Unknown` where it can not be told."""
        self.budget.spend()
        self.budget.line = node.lineno
        try:
            value = self._evaluation(type(node))(node, scope)
        except Unreadable as unreadable:
            value = Unknown(unreadable.causes)
        if isinstance(value, Unknown) and self.define and not isinstance(node, ast.Constant):
            text = ast.unparse(node)
            return self.define.get(text, value)
        return value

    def _evaluation(self, kind: type) -> _Evaluation:
        """The method that evaluates expressions of a kind."""
        method = self._by_type.get(kind)
        if method is None:
            method = cast(_Evaluation, getattr(self, f"_{kind.__name__.lower()}", self._unread))
            self._by_type[kind] = method
        return method

    def place(self, node: ast.expr | ast.stmt) -> Place:
        """Where a part of the file stands."""
        return Place(node.lineno, node)

    def _unread(self, node: ast.expr, _: Scope) -> object:
        return self.place(node).unknown("is not read", definable=True)

    def _constant(self, node: ast.Constant, _: Scope) -> object:
        return self.budget.keep(node.value)

    def _name(self, node: ast.Name, scope: Scope) -> object:
        holder = scope.holder(node.id)
        if holder is not None:
            return holder.names[node.id]
        for module in reversed(self.stars):
            if self.library.knows(f"{module}.{node.id}"):
                return Ref(f"{module}.{node.id}")
        if node.id in builtins.NAMES:
            return Builtin(node.id)
        return self.place(node).unknown("is not set in this file", definable=True)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> object:
        return self.attribute(self.eval(node.value, scope), node.attr, self.place(node))

    def attribute(self, value: object, name: str, place: Place) -> object:
        """`value.name`.

        Raises:
            Raised: there is no such attribute.
        """
        if isinstance(value, Unknown):
            return sizes.of_unknown(value, name, place)
        if isinstance(value, PLAIN):
            if isinstance(value, int | float) and name in {"real", "imag"}:
                return value if name == "real" else 0
            if plain_methods.has(value, name):
                return Method(value, name)
            raise Raised("AttributeError", f"{type(value).__name__!r} object has no attribute {name!r}")
        if isinstance(value, Class | Instance | Super | Function | Partial | Builtin):
            return self._of_file_attribute(value, name, place)
        return self.library.attribute(value, name, place)

    def _of_file_attribute(
        self, value: Class | Instance | Super | Function | Partial | Builtin, name: str, place: Place
    ) -> object:
        """An attribute of what the file defines."""
        match value:
            case Class():
                if name == "__name__":
                    return value.name
                found = value.find(name)
                return place.unknown("is not set in its class") if found is None else found
            case Instance():
                return self._of_instance(value, name, place)
            case Super():
                found = value.instance.kind.find(name, after=value.owner)
                if found is None:
                    return Method(value, name)
                return Partial(found, (value.instance,)) if isinstance(found, Function) else found
            case Function() if name == "__name__":
                return value.name
        return place.unknown("is not read")

    def _of_instance(self, value: Instance, name: str, place: Place) -> object:
        if name in value.attributes:
            return value.attributes[name]
        if name == "__dict__":
            return value.attributes
        found = value.kind.find(name)
        if isinstance(found, Function) and isinstance(found.node, ast.FunctionDef):
            marks = {mark.id for mark in found.node.decorator_list if isinstance(mark, ast.Name)}
            if "property" in marks:
                return self.call(found, [value], {}, place)
            if "staticmethod" in marks:
                return found
            return Partial(found, (value.kind if "classmethod" in marks else value,))
        if found is not None:
            return found
        if value.kind.keras_base() is not None:
            return self.library.attribute(value, name, place)
        raise Raised("AttributeError", f"{value.kind.name!r} object has no attribute {name!r}")

    def _call(self, node: ast.Call, scope: Scope) -> object:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self._super(node, scope)
        function = self.eval(node.func, scope)
        positional: list[object] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                spread = self.eval(argument.value, scope)
                if isinstance(spread, Unknown):
                    return spread
                positional += self.iterate(spread, self.place(node))
            else:
                positional.append(self.eval(argument, scope))
        named: dict[str, object] = {}
        for keyword in node.keywords:
            value = self.eval(keyword.value, scope)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif isinstance(value, dict):
                named.update({str(key): one for key, one in value.items()})
            else:
                return Unknown.of(value, self.place(node).unknown("takes arguments that are not known"))
        return self.call(function, positional, named, self.place(node))

    def _super(self, node: ast.Call, scope: Scope) -> object:
        holder = scope.holder("__self__")
        owner_scope = scope.holder("__owner__")
        instance = holder.names["__self__"] if holder else None
        owner = owner_scope.names["__owner__"] if owner_scope else None
        if isinstance(instance, Instance) and isinstance(owner, Class):
            return Super(instance, owner)
        return self.place(node).unknown("is not read here")

    def call(
        self, function: object, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What a call gives; functions of the file are entered by `Caller`."""
        raise NotImplementedError

    def _binop(self, node: ast.BinOp, scope: Scope) -> object:
        left, right = self.eval(node.left, scope), self.eval(node.right, scope)
        return self.binary(node.op, left, right, self.place(node))

    def binary(self, operation: ast.operator, left: object, right: object, place: Place) -> object:
        """`left operation right`.

        Raises:
            Raised: Python refuses it.
        """
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return Unknown.of(left, right)
        if isinstance(left, PLAIN) and isinstance(right, PLAIN):
            return arithmetic.binary(operation, left, right, self.budget)
        return self.library.binary(operation, left, right, place)

    def _unaryop(self, node: ast.UnaryOp, scope: Scope) -> object:
        value = self.eval(node.operand, scope)
        if isinstance(node.op, ast.Not):
            truth = self.truth(value)
            return value if truth is None else not truth
        if isinstance(value, Unknown):
            return value
        if isinstance(value, PLAIN):
            return arithmetic.unary(node.op, value)
        return self.library.unary(node.op, value, self.place(node))

    def truth(self, value: object) -> bool | None:
        """Whether a value counts as true; None where it is not known."""
        if isinstance(value, Unknown):
            return None
        return bool(value) if isinstance(value, PLAIN) else True

    def _boolop(self, node: ast.BoolOp, scope: Scope) -> object:
        unknown: list[object] = []
        stops = isinstance(node.op, ast.Or)
        value: object = None
        for part in node.values:
            value = self.eval(part, scope)
            truth = self.truth(value)
            if truth is None:
                unknown.append(value)
            elif truth is stops:
                return value
        return Unknown.of(*unknown) if unknown else value

    def _compare(self, node: ast.Compare, scope: Scope) -> object:
        left = self.eval(node.left, scope)
        result: object = True
        for operation, part in zip(node.ops, node.comparators, strict=True):
            right = self.eval(part, scope)
            result = self._compared(operation, left, right, self.place(node))
            if self.truth(result) is not True:
                return result
            left = right
        return result

    def _compared(self, operation: ast.cmpop, left: object, right: object, place: Place) -> object:
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return Unknown.of(left, right)
        if isinstance(operation, ast.Is | ast.IsNot):
            same = left is right or (left == right and isinstance(left, Ref | Builtin))
            return same is isinstance(operation, ast.Is)
        if isinstance(left, PLAIN) and isinstance(right, PLAIN):
            if causes_in([left, right]):
                return Unknown.of(left, right)
            return arithmetic.compare(operation, left, right, self.budget)
        if isinstance(operation, ast.In | ast.NotIn) and isinstance(right, list | tuple | dict | set):
            return any(left is one or (isinstance(left, Ref) and left == one) for one in right) is isinstance(
                operation, ast.In
            )
        return self.library.binary(operation, left, right, place)

    def _ifexp(self, node: ast.IfExp, scope: Scope) -> object:
        test = self.eval(node.test, scope)
        truth = self.truth(test)
        if truth is None:
            return Unknown.of(test)
        return self.eval(node.body if truth else node.orelse, scope)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> object:
        return Function(node, scope, self.defaults(node.args, scope))

    def defaults(self, arguments: ast.arguments, scope: Scope) -> dict[str, object]:
        """The default values of a function's arguments, evaluated where it is defined."""
        plain = [*arguments.posonlyargs, *arguments.args]
        given = zip(reversed(plain), reversed(arguments.defaults), strict=False)
        found = {argument.arg: self.eval(default, scope) for argument, default in given}
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if default is not None:
                found[argument.arg] = self.eval(default, scope)
        return found

    def _items(self, nodes: Sequence[ast.expr], scope: Scope) -> list[object]:
        items: list[object] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                items += self.iterate(self.eval(node.value, scope), self.place(node))
            else:
                items.append(self.eval(node, scope))
        return items

    def _list(self, node: ast.List, scope: Scope) -> object:
        return self.budget.keep(self._items(node.elts, scope))

    def _tuple(self, node: ast.Tuple, scope: Scope) -> object:
        return self.budget.keep(tuple(self._items(node.elts, scope)))

    def _set(self, node: ast.Set, scope: Scope) -> object:
        items = self._items(node.elts, scope)
        self.budget.weigh(items)
        return arithmetic.python_errors_raise(lambda: set(items))

    def _dict(self, node: ast.Dict, scope: Scope) -> object:
        made: dict[Plain, object] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.eval(value_node, scope)
            if key_node is None:
                if not isinstance(value, dict):
                    return Unknown.of(value, self.place(node).unknown("holds what is not known"))
                made.update(value)
                continue
            key = self.eval(key_node, scope)
            if isinstance(key, Unknown):
                return key
            arithmetic.put(made, key, value, self.budget)
        return self.budget.keep(made)

    def _joinedstr(self, node: ast.JoinedStr, scope: Scope) -> object:
        parts = [self.eval(part, scope) for part in node.values]
        if causes_in(parts):
            return Unknown.of(*parts)
        return self.budget.keep("".join(map(str, parts)))

    def _formattedvalue(self, node: ast.FormattedValue, scope: Scope) -> object:
        value = self.eval(node.value, scope)
        form = self.eval(node.format_spec, scope) if node.format_spec else ""
        if causes_in([value, form]):
            return Unknown.of(value, form)
        if not isinstance(value, PLAIN):
            return self.place(node).unknown("is the text of an object", definable=True)
        self.budget.weigh(value)
        arithmetic.ask_format(str(form), self.budget)
        shown = _CONVERSIONS[node.conversion](value) if node.conversion in _CONVERSIONS else value
        return self.budget.keep(arithmetic.python_errors_raise(lambda: format(shown, str(form))))

    def _subscript(self, node: ast.Subscript, scope: Scope) -> object:
        return self.item(self.eval(node.value, scope), self.eval(node.slice, scope), self.place(node))

    def item(self, value: object, key: object, place: Place) -> object:
        """`value[key]`.

        Raises:
            Raised: Python refuses it.
        """
        if isinstance(value, Unknown):
            return sizes.part_of_unknown(value, place)
        if isinstance(value, PLAIN):
            if causes_in([key]):
                return Unknown.of(key)
            subscripted: Plain = value
            if isinstance(key, tuple):
                self.budget.weigh(key)
            return self.budget.keep(arithmetic.python_errors_raise(lambda: subscripted[key]))
        if isinstance(value, Class | Builtin):  # list[int], as in an annotation
            return value
        return self.library.item(value, key, place)

    def _slice(self, node: ast.Slice, scope: Scope) -> object:
        bounds = [
            None if part is None else self.eval(part, scope) for part in (node.lower, node.upper, node.step)
        ]
        return Unknown.of(*bounds) if causes_in(bounds) else slice(*bounds)

    def iterate(self, value: object, place: Place) -> list[object]:
        """The items of a value.

        Raises:
            Unreadable: they are not known.
            Raised: it has none.
        """
        if isinstance(value, Unknown):
            raise Unreadable(value.causes)
        if isinstance(value, str | list | tuple | dict | set | frozenset | range | bytes):
            self.budget.items(len(value))
            return list(value)
        if isinstance(value, PLAIN):
            raise Raised("TypeError", f"{type(value).__name__!r} object is not iterable")
        return self.library.iterate(value, place)

    def is_instance(self, value: object, kinds: object) -> bool | None:
        """Whether a value is of a class, or of one of several."""
        if isinstance(kinds, tuple):
            answers = [self.is_instance(value, kind) for kind in kinds]
            return True if True in answers else None if None in answers else False
        if isinstance(value, Unknown) or isinstance(kinds, Unknown):
            return None
        if isinstance(kinds, Builtin):
            types = {one.__name__ for one in type(value).__mro__}
            return kinds.name in types if isinstance(value, PLAIN) else kinds.name == "object"
        if isinstance(kinds, Class):
            return isinstance(value, Instance) and kinds in value.kind.lineage()
        if isinstance(value, PLAIN):
            return False
        return self.library.is_instance(value, kinds)
