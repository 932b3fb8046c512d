"""Statements of a Python file: what its names stand for after each."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from kflab.imports import Note
from kflab.imports.python.arithmetic import PLAIN
from kflab.imports.python.budget import Budget
from kflab.imports.python.builtins import same_as_builtin
from kflab.imports.python.calling import Caller, ReturnSignal
from kflab.imports.python.leaving import BreakSignal, ContinueSignal, UnknownBreakSignal
from kflab.imports.python.library import Library
from kflab.imports.python.plain_methods import CHANGES
from kflab.imports.python.syntax import handles, parts_of
from kflab.imports.python.things import (
    Builtin,
    Class,
    Function,
    Partial,
    Place,
    Raised,
    Ref,
    Scope,
    Unknown,
    Unreadable,
)

_HARMLESS_MARKS = frozenset({"staticmethod", "classmethod", "property"})


_Execution = Callable[[Any, Scope], None]


class Interpreter(Caller):
    """Goes through the statements of a file and keeps what its names stand for.

    Args:
        library: what modules hold.
        budget: how much work it may be.
        define: values from outside for what the file does not tell.
    """

    def __init__(self, library: Library, budget: Budget, define: Mapping[str, object]) -> None:
        super().__init__(library, budget, define)
        self.module = Scope()
        self.module.names.update({"__name__": "__main__", "__file__": "model.py", "__doc__": None})
        self.notes: list[Note] = []
        self._by_statement: dict[type, _Execution] = {}

    def run_module(self, statements: Sequence[ast.stmt]) -> None:
        """Go through a file; a statement that would fail leaves what it sets unknown."""
        for statement in statements:
            try:
                self.run([statement], self.module)
            except (BreakSignal, ContinueSignal, ReturnSignal, UnknownBreakSignal):
                continue

    def run(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Go through statements.

        At the level of the module, what would raise leaves the names that it sets unknown.

        Raises:
            Raised: the file would raise an exception, and it is a function that does.
        """
        for statement in statements:
            self.budget.spend()
            self.budget.line = statement.lineno
            try:
                self._execution(type(statement))(statement, scope)
            except Unreadable as unreadable:
                self.forget([statement], scope, Unknown(unreadable.causes))
            except Raised as raised:
                raised.line = raised.line or statement.lineno
                if scope is not self.module or self._trying:
                    raise
                cause = Place(raised.line).cause(
                    f"would raise {raised.kind}: {raised.message}", f"line {raised.line}"
                )
                self.notes.append(Note(f"this would raise {raised.kind}: {raised.message}", raised.line))
                self.forget([statement], scope, Unknown((cause,)))

    _trying = 0

    def _execution(self, kind: type) -> _Execution:
        """The method that goes through statements of a kind."""
        method = self._by_statement.get(kind)
        if method is None:
            method = cast(_Execution, getattr(self, f"_do_{kind.__name__.lower()}", self._do_unread))
            self._by_statement[kind] = method
        return method

    def forget(self, statements: Sequence[ast.stmt], scope: Scope, unknown: Unknown) -> None:
        """Leave unknown whatever these statements set, for they cannot be gone through."""
        parts = list(parts_of(statements))
        self.budget.spend(len(parts))
        for part in parts:
            match part:
                case ast.Name(id=name, ctx=ast.Store()):
                    scope.assign(name, self.define.get(name, Unknown(unknown.causes)))
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in CHANGES:
                    holder = scope.holder(name)
                    if holder is None:
                        continue
                    value = holder.names[name]
                    if isinstance(value, list | dict | set):
                        holder.names[name] = Unknown(unknown.causes)
                    elif not isinstance(value, PLAIN):
                        self.library.spoil(value, unknown)

    def _do_unread(self, statement: ast.stmt, scope: Scope) -> None:
        self.forget([statement], scope, self.place(statement).unknown("is not read"))

    def _do_expr(self, statement: ast.Expr, scope: Scope) -> None:
        self.eval(statement.value, scope)

    def _do_pass(self, statement: ast.stmt, scope: Scope) -> None:
        """Nothing to do."""

    _do_assert = _do_pass

    def _do_import(self, statement: ast.Import, scope: Scope) -> None:
        for alias in statement.names:
            if alias.asname:
                scope.assign(alias.asname, Ref(alias.name))
            else:
                root = alias.name.partition(".")[0]
                scope.assign(root, Ref(root))

    def _do_importfrom(self, statement: ast.ImportFrom, scope: Scope) -> None:
        module = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(module)
            else:
                found = self.library.attribute(Ref(module), alias.name, self.place(statement))
                scope.assign(alias.asname or alias.name, same_as_builtin(module, alias.name) or found)

    def _do_assign(self, statement: ast.Assign, scope: Scope) -> None:
        value = self.eval(statement.value, scope)
        if isinstance(value, Unknown) and isinstance(statement.targets[0], ast.Name):
            self._name_cause(value, statement.targets[0].id, statement.value, scope)
        for target in statement.targets:
            self.assign(target, value, scope)

    def _name_cause(self, value: Unknown, name: str, made_by: ast.expr, scope: Scope) -> None:
        """Take note of the variable that a plain value, which is not known, is first given to.

        It is what a person would give a value for. A tensor or layer is nothing that can be given so.
        """
        first, *others = value.causes or [None]
        if first is None or others or first.name or first.line != made_by.lineno:
            return
        for part in ast.walk(made_by):
            holder = scope.holder(part.id) if isinstance(part, ast.Name) else None
            used = holder.names[part.id] if holder is not None and isinstance(part, ast.Name) else None
            if self.library.owns(used):
                return
        first.name = name

    def _do_annassign(self, statement: ast.AnnAssign, scope: Scope) -> None:
        if statement.value is not None:
            self.assign(statement.target, self.eval(statement.value, scope), scope)

    def _do_augassign(self, statement: ast.AugAssign, scope: Scope) -> None:
        target = statement.target
        read: ast.expr
        match target:
            case ast.Name():
                read = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            case ast.Attribute():
                read = ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
            case ast.Subscript():
                read = ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)
        old, new = self.eval(read, scope), self.eval(statement.value, scope)
        if isinstance(old, list) and isinstance(statement.op, ast.Add) and not isinstance(new, Unknown):
            items = self.iterate(new, self.place(statement))
            self.budget.items(len(old) + len(items))
            old.extend(items)
            return
        self.assign(target, self.binary(statement.op, old, new, self.place(statement)), scope)

    def _do_delete(self, statement: ast.Delete, scope: Scope) -> None:
        for target in statement.targets:
            if isinstance(target, ast.Name):
                scope.names.pop(target.id, None)
            elif isinstance(target, ast.Subscript):
                container, key = self.eval(target.value, scope), self.eval(target.slice, scope)
                if (
                    isinstance(container, list)
                    and isinstance(key, int)
                    and -len(container) <= key < len(container)
                ):
                    del container[key]
                elif isinstance(container, dict):
                    container.pop(key, None)

    def _do_global(self, statement: ast.Global, scope: Scope) -> None:
        scope.elsewhere.update(dict.fromkeys(statement.names, scope.top))

    def _do_nonlocal(self, statement: ast.Nonlocal, scope: Scope) -> None:
        for name in statement.names:
            holder = scope.parent.holder(name) if scope.parent else None
            if holder is not None:
                scope.elsewhere[name] = holder

    def _do_functiondef(self, statement: ast.FunctionDef, scope: Scope) -> None:
        owner = scope.names.get("__class__")
        made: object = Function(
            statement,
            scope.outside_class,
            self.defaults(statement.args, scope),
            owner if isinstance(owner, Class) else None,
        )
        for mark in reversed(statement.decorator_list):
            called = self.eval(mark, scope)
            if isinstance(called, Function | Partial):
                made = self.call(called, [made], {}, self.place(statement))
            elif isinstance(called, Unknown) and not _is_of_a_module(mark, scope):
                made = called
        scope.assign(statement.name, made)

    def _do_asyncfunctiondef(self, statement: ast.AsyncFunctionDef, scope: Scope) -> None:
        scope.assign(statement.name, self.place(statement).unknown("is an async function", statement.name))

    def _do_classdef(self, statement: ast.ClassDef, scope: Scope) -> None:
        bases = tuple(self.eval(base, scope) for base in statement.bases)
        made = Class(statement.name, bases, {}, statement.lineno)
        body = Scope(scope)
        body.names["__class__"] = made
        self.run(statement.body, body)
        made.names.update(body.names)
        made.names.pop("__class__", None)
        for mark in statement.decorator_list:
            called = mark.func if isinstance(mark, ast.Call) else mark
            if isinstance(called, ast.Name | ast.Attribute) and ast.unparse(called).endswith("dataclass"):
                made.fields = tuple(
                    part.target.id
                    for part in statement.body
                    if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
                )
        scope.assign(statement.name, made)

    def _do_return(self, statement: ast.Return, scope: Scope) -> None:
        raise ReturnSignal(None if statement.value is None else self.eval(statement.value, scope))

    def _do_if(self, statement: ast.If, scope: Scope) -> None:
        test = self.eval(statement.test, scope)
        truth = self.truth(test)
        if truth is not None:
            self.run(statement.body if truth else statement.orelse, scope)
            return
        assert isinstance(test, Unknown)
        branches = [*statement.body, *statement.orelse]
        self.forget(branches, scope, test)
        for part in parts_of(branches):  # either branch is taken to import the same, as for two versions
            if isinstance(part, ast.Import | ast.ImportFrom):
                self.run([part], scope)
        if any(isinstance(part, ast.Break) for part in parts_of(branches, loops=False)):
            raise UnknownBreakSignal(test)
        if any(isinstance(part, ast.Return) for part in parts_of(branches)):
            raise ReturnSignal(Unknown(test.causes))

    def _do_for(self, statement: ast.For, scope: Scope) -> None:
        over = self.eval(statement.iter, scope)
        try:
            items: Sequence[object] = (
                over if isinstance(over, range) else self.iterate(over, self.place(statement))
            )
        except Unreadable as unreadable:
            unknown = Unknown(unreadable.causes)
            self.forget([statement], scope, unknown)
            if any(isinstance(part, ast.Return) for part in parts_of(statement.body)):
                raise ReturnSignal(unknown) from None
            return
        self._rounds_of(statement, items, scope)

    def _rounds_of(self, statement: ast.For, items: Sequence[object], scope: Scope) -> None:
        enough = self.budget.half()
        for item in items:
            self.budget.spend()
            if self.budget.is_below(enough):
                self._give_up(statement, scope)
                return
            self.assign(statement.target, item, scope)
            if not self._round(statement, scope):
                return
        self.run(statement.orelse, scope)

    def _round(self, statement: ast.For | ast.While, scope: Scope) -> bool:
        """Go through the body of a loop once; false where the loop ends there."""
        try:
            self.run(statement.body, scope)
        except BreakSignal:
            return False
        except ContinueSignal:
            return True
        except UnknownBreakSignal as signal:
            self.forget([statement], scope, signal.test)
            return False
        return True

    def _give_up(self, statement: ast.For | ast.While, scope: Scope) -> None:
        """Leave unknown what a loop sets that goes on for too long, as one that trains a model does."""
        why = self.place(statement.iter if isinstance(statement, ast.For) else statement.test)
        self.notes.append(Note("the loop is too long to be followed to its end", statement.lineno))
        self.forget([statement], scope, why.unknown("goes on for longer than is read"))

    def _do_while(self, statement: ast.While, scope: Scope) -> None:
        enough = self.budget.half()
        while True:
            if self.budget.is_below(enough):
                self._give_up(statement, scope)
                return
            test = self.eval(statement.test, scope)
            truth = self.truth(test)
            if truth is None:
                assert isinstance(test, Unknown)
                self.forget(statement.body, scope, test)
                return
            if not truth:
                self.run(statement.orelse, scope)
                return
            if not self._round(statement, scope):
                return

    def _do_break(self, _: ast.Break, __: Scope) -> None:
        raise BreakSignal

    def _do_continue(self, _: ast.Continue, __: Scope) -> None:
        raise ContinueSignal

    def _do_with(self, statement: ast.With, scope: Scope) -> None:
        for item in statement.items:
            value = self.eval(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
        self.run(statement.body, scope)

    def _do_raise(self, statement: ast.Raise, scope: Scope) -> None:
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        words: object = ""
        if isinstance(statement.exc, ast.Call) and statement.exc.args:
            words = self.eval(statement.exc.args[0], scope)
        kind = ast.unparse(raised) if raised is not None else "an exception"
        raise Raised(kind, words[:200] if isinstance(words, str) else "", statement.lineno)

    @contextmanager
    def _within_try(self) -> Iterator[None]:
        self._trying += 1
        try:
            yield
        finally:
            self._trying -= 1

    def _do_try(self, statement: ast.Try, scope: Scope) -> None:
        try:
            with self._within_try():
                self.run(statement.body, scope)
        except Raised as raised:
            handler = next((one for one in statement.handlers if handles(one, raised.kind)), None)
            if handler is None:
                raise
            if handler.name:
                scope.assign(handler.name, self.place(statement).unknown("is an exception"))
            self.run(handler.body, scope)
        else:
            self.run(statement.orelse, scope)
        finally:
            self.run(statement.finalbody, scope)


def _is_of_a_module(mark: ast.expr, scope: Scope) -> bool:
    """Whether a decorator comes from a module: such ones are taken to leave a function what it is."""
    called = mark.func if isinstance(mark, ast.Call) else mark
    while isinstance(called, ast.Attribute):
        called = called.value
    if not isinstance(called, ast.Name):
        return False
    holder = scope.holder(called.id)
    return called.id in _HARMLESS_MARKS or (
        holder is not None and isinstance(holder.names[called.id], Ref | Builtin)
    )
