"""What gives names their values: assignments, and the rounds of a comprehension."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from kflab.imports.python import arithmetic
from kflab.imports.python.arithmetic import PLAIN, Plain
from kflab.imports.python.budget import ROUND
from kflab.imports.python.expressions import Evaluator
from kflab.imports.python.things import (
    Builtin,
    Class,
    Function,
    Instance,
    Partial,
    Place,
    Raised,
    Ref,
    Scope,
    Unknown,
    Unreadable,
    causes_in,
)


class Assigner(Evaluator):
    """Evaluates comprehensions, and gives names their values."""

    def _listcomp(self, node: ast.ListComp, scope: Scope) -> object:
        return [self.eval(node.elt, inner) for inner in self._rounds(node.generators, Scope(scope))]

    def _generatorexp(self, node: ast.GeneratorExp, scope: Scope) -> object:
        return [self.eval(node.elt, inner) for inner in self._rounds(node.generators, Scope(scope))]

    def _setcomp(self, node: ast.SetComp, scope: Scope) -> object:
        items = [self.eval(node.elt, inner) for inner in self._rounds(node.generators, Scope(scope))]
        if causes_in(items):
            return Unknown.of(items)
        self.budget.weigh(items)
        return arithmetic.python_errors_raise(lambda: set(items))

    def _dictcomp(self, node: ast.DictComp, scope: Scope) -> object:
        pairs: list[tuple[Plain, object]] = [
            (self.eval(node.key, inner), self.eval(node.value, inner))
            for inner in self._rounds(node.generators, Scope(scope))
        ]
        keys = [key for key, _ in pairs]
        if causes_in(keys):
            return Unknown.of(keys)
        self.budget.weigh(keys)
        return arithmetic.python_errors_raise(lambda: dict(pairs))

    def _rounds(self, generators: Sequence[ast.comprehension], scope: Scope) -> Iterator[Scope]:
        """One scope for each round of a comprehension.

        Raises:
            Unreadable: it is not known what it goes over.
        """
        if not generators:
            yield scope
            return
        first, *rest = generators
        for item in self.iterate(self.eval(first.iter, scope), self.place(first.iter)):
            self.budget.spend(ROUND)
            inner = Scope(scope)
            self.assign(first.target, item, inner)
            tests = [self.eval(test, inner) for test in first.ifs]
            if causes_in(tests):
                raise Unreadable(causes_in(tests))
            if all(self.truth(test) for test in tests):
                yield from self._rounds(rest, inner)

    def assign(self, target: ast.expr, value: object, scope: Scope) -> None:
        """Give what stands left of a `=` its value."""
        match target:
            case ast.Name(id=name):
                if name in self.define and not isinstance(value, Function | Class | Ref):
                    value = self.define[name]
                self.library.called(value, name)
                scope.assign(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                self._unpack(parts, value, scope, self.place(target))
            case ast.Starred(value=inner):
                self.assign(inner, value, scope)
            case ast.Attribute(value=holder, attr=name):
                self._set_attribute(self.eval(holder, scope), name, value, self.place(target))
            case ast.Subscript(value=holder, slice=key_node):
                self._set_item(self.eval(holder, scope), self.eval(key_node, scope), value)

    def _set_attribute(self, owner: object, name: str, value: object, place: Place) -> None:
        if isinstance(owner, Instance):
            self.library.called(value, name)
            owner.attributes[name] = value
        elif isinstance(owner, Class):
            owner.names[name] = value
        elif not isinstance(owner, Unknown | Function | Partial | Builtin) and not isinstance(owner, PLAIN):
            self.library.set_attribute(owner, name, value, place)

    def _set_item(self, container: object, key: object, value: object) -> None:
        if not isinstance(container, list | dict):
            return
        if causes_in([key]):
            raise Unreadable(causes_in([key]))
        self.budget.weigh(key)
        held: Plain = container
        arithmetic.python_errors_raise(lambda: held.__setitem__(key, value))

    def _unpack(self, parts: Sequence[ast.expr], value: object, scope: Scope, place: Place) -> None:
        if isinstance(value, Unknown):
            for part in parts:
                self.assign(part, Unknown(value.causes), scope)
            return
        items = self.iterate(value, place)
        starred = next((index for index, part in enumerate(parts) if isinstance(part, ast.Starred)), None)
        if starred is None and len(items) != len(parts):
            raise Raised("ValueError", f"{len(items)} values for {len(parts)} names")
        if starred is not None:
            after = len(parts) - starred - 1
            if len(items) < len(parts) - 1:
                raise Raised("ValueError", f"{len(items)} values for at least {len(parts) - 1} names")
            middle = items[starred : len(items) - after]
            items = [*items[:starred], middle, *items[len(items) - after :]]
        for part, item in zip(parts, items, strict=True):
            self.assign(part, item, scope)

    def _namedexpr(self, node: ast.NamedExpr, scope: Scope) -> object:
        value = self.eval(node.value, scope)
        scope.assign(node.target.id, value)
        return value
