"""What the names of a Python file stand for while it is read, besides plain numbers, text and lists."""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence

MOST_CAUSES = 40
"""So many reasons one value carries at most; more would not be read by anybody."""


@dataclasses.dataclass(eq=False)
class Cause:
    """Why something cannot be told from the file alone.

    Attributes:
        line: the line where it stands.
        source: the source of the expression, or where it is to be had when somebody is told.
        reason: why, as the end of a sentence about `text`.
        definable: a number or text given from outside would do in its place.
        name: the variable that the value was first given to.
    """

    line: int
    source: str | Place
    reason: str
    definable: bool = False
    name: str = ""

    @property
    def text(self) -> str:
        """The source of the expression."""
        return self.source if isinstance(self.source, str) else self.source.text

    def message(self) -> str:
        """What a person reads, with what would help."""
        if not self.definable:
            return f"{self.text} {self.reason}"
        called = f" ({self.name})" if self.name and self.name != self.text else ""
        return f"{self.text}{called} {self.reason}; give it with --define {_quoted(self.name or self.text)}=…"


def _quoted(text: str) -> str:
    return text if text.isidentifier() else f"'{text}'"


@dataclasses.dataclass(eq=False)
class Unknown:
    """A value that cannot be told; whatever is made of it is unknown for the same causes."""

    causes: tuple[Cause, ...]

    @classmethod
    def of(cls, *values: object) -> Unknown:
        """What comes of unknown values together: their causes, each once."""
        unique = {id(cause): cause for cause in causes_in(values)}
        return cls(tuple(unique.values())[:MOST_CAUSES])


def causes_in(values: Iterable[object]) -> list[Cause]:
    """The causes of all unknown values among these, lists and mappings looked through."""
    found: dict[int, Cause] = {}
    waiting, seen = list(values), set[int]()
    while waiting and len(found) < MOST_CAUSES:
        value = waiting.pop()
        if isinstance(value, Unknown):
            found.update((id(cause), cause) for cause in value.causes)
        elif isinstance(value, list | tuple | dict | set) and id(value) not in seen:
            seen.add(id(value))
            waiting += value.values() if isinstance(value, dict) else value
    return sorted(found.values(), key=lambda cause: cause.line)


class Unreadable(Exception):  # noqa: N818 - it never reaches a person; the value becomes unknown
    """What was to be evaluated cannot be told; the expression becomes `Unknown` with these causes."""

    def __init__(self, causes: Sequence[Cause]) -> None:
        super().__init__()
        self.causes = tuple(causes)


class Raised(Exception):  # noqa: N818 - an exception of the file that is read
    """The file itself would raise an exception here."""

    def __init__(self, kind: str, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.kind, self.message, self.line = kind, message, line


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an expression stands, for what is told about it.

    Attributes:
        line: its line.
        node: the expression, whose source is written out only when somebody is told.
    """

    line: int
    node: ast.AST | None = None

    @property
    def text(self) -> str:
        """The source of the expression in one line, cut where it is long."""
        try:
            text = " ".join(ast.unparse(self.node).split()) if self.node else "this"
        except (ValueError, RecursionError):  # a number of too many digits, an expression of too many levels
            text = "this"
        return text if len(text) <= 60 else f"{text[:59]}…"

    def cause(self, reason: str, text: str = "", *, definable: bool = False) -> Cause:
        """A cause at this place."""
        return Cause(self.line, text or self, reason, definable)

    def unknown(self, reason: str, text: str = "", *, definable: bool = False) -> Unknown:
        """An unknown value at this place."""
        return Unknown((self.cause(reason, text, definable=definable),))


@dataclasses.dataclass(frozen=True)
class Ref:
    """A name of a module, such as `keras.layers.Dense`; nothing is imported."""

    path: str

    @property
    def last(self) -> str:
        """The name after the last dot."""
        return self.path.rpartition(".")[2]


class Scope:
    """The names of a module, a function or a class body.

    Args:
        parent: where names are looked up that are not here.
    """

    def __init__(self, parent: Scope | None = None) -> None:
        self.names: dict[str, object] = {}
        self.parent = parent
        self.elsewhere: dict[str, Scope] = {}

    @property
    def top(self) -> Scope:
        """The scope of the module."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def outside_class(self) -> Scope:
        """Where the body of a function looks names up: the body of a class around it is passed over."""
        scope = self
        while "__class__" in scope.names and scope.parent is not None:
            scope = scope.parent
        return scope

    def holder(self, name: str) -> Scope | None:
        """The scope in which a name is found."""
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.parent
        return scope

    def assign(self, name: str, value: object) -> None:
        """Give a name a value: here, or where `global` or `nonlocal` says."""
        self.elsewhere.get(name, self).names[name] = value


@dataclasses.dataclass(eq=False)
class Function:
    """A function or lambda of the file.

    Attributes:
        node: its syntax.
        scope: where it was defined.
        defaults: the values of its default arguments, by name.
        owner: the class in whose body it stands.
    """

    node: ast.FunctionDef | ast.Lambda
    scope: Scope
    defaults: Mapping[str, object]
    owner: Class | None = None

    @functools.cached_property
    def is_generator(self) -> bool:
        """Whether it gives its values one by one: whether a `yield` is its own."""
        waiting: list[ast.AST] = list(self.node.body) if isinstance(self.node, ast.FunctionDef) else []
        while waiting:
            part = waiting.pop()
            if isinstance(part, ast.Yield | ast.YieldFrom):
                return True
            if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                waiting += ast.iter_child_nodes(part)
        return False

    @property
    def name(self) -> str:
        """What it is called in an error."""
        return self.node.name if isinstance(self.node, ast.FunctionDef) else "a lambda"


@dataclasses.dataclass(eq=False)
class Partial:
    """A callable with some of its arguments given: `functools.partial`, and methods bound to an object."""

    function: object
    positional: tuple[object, ...] = ()
    named: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(eq=False)
class Class:
    """A class of the file.

    Attributes:
        name: its name.
        bases: what it derives from.
        names: what its body defines.
        line: where it is defined.
        fields: names and defaults of the fields, where it is a dataclass; None where it is none.
    """

    name: str
    bases: tuple[object, ...]
    names: dict[str, object]
    line: int
    fields: tuple[str, ...] | None = None

    def lineage(self) -> list[object]:
        """The class and what it derives from, each once, nearest first."""
        found: list[object] = [self]
        for base in self.bases:
            found += [
                one for one in (base.lineage() if isinstance(base, Class) else [base]) if one not in found
            ]
        return found

    def find(self, name: str, after: Class | None = None) -> object | None:
        """What `name` is in the class or the classes it derives from; `after` one of them for `super()`."""
        lineage = self.lineage()
        if after is not None and after in lineage:
            lineage = lineage[lineage.index(after) + 1 :]
        for one in lineage:
            if isinstance(one, Class) and name in one.names:
                return one.names[name]
        return None

    def keras_base(self) -> Ref | None:
        """The class of Keras or another module that it derives from."""
        return next((one for one in self.lineage() if isinstance(one, Ref)), None)


@dataclasses.dataclass(eq=False)
class Instance:
    """An object of a class of the file, with its attributes."""

    kind: Class
    attributes: dict[str, object] = dataclasses.field(default_factory=dict)
    built: bool = False


@dataclasses.dataclass(eq=False)
class Super:
    """What `super()` gives: the object, looked at as one of the class after `owner`."""

    instance: Instance
    owner: Class


@dataclasses.dataclass(frozen=True)
class Method:
    """A method of a plain value or of something of Keras: `[].append`, `model.add`."""

    value: object
    name: str


@dataclasses.dataclass(frozen=True)
class Builtin:
    """A function that Python has without an import."""

    name: str
