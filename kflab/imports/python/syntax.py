"""Questions about the syntax of a file that need no values."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence


def handles(handler: ast.ExceptHandler, kind: str) -> bool:
    """Whether an `except` takes an exception, as far as its name tells."""
    if handler.type is None:
        return True
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {ast.unparse(one).rpartition(".")[2] for one in named}
    return bool(names & {kind.rpartition(".")[2], "Exception", "BaseException"})


def parts_of(statements: Sequence[ast.stmt], *, loops: bool = True) -> Iterator[ast.AST]:
    """All parts of statements, but what stands in a function or class inside them.

    Args:
        statements: the statements.
        loops: whether what stands in a loop is among them.
    """
    waiting: list[ast.AST] = list(statements)
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield ast.copy_location(ast.Name(part.name, ast.Store()), part)
        elif not isinstance(part, ast.Lambda) and (loops or not isinstance(part, ast.For | ast.While)):
            waiting += ast.iter_child_nodes(part)
