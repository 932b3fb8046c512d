"""YAML 1.2 in and out: plain values with the line each came from, and saves that keep a person's comments.

Reading builds nothing but plain values: a tag is an error and never a constructor, whatever it names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Container, Mapping, Sequence
from textwrap import shorten
from typing import Protocol, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarbool import ScalarBoolean
from ruamel.yaml.scalarstring import LiteralScalarString

from kflab.diagnose import codes
from kflab.errors import UnusableInputError
from kflab.values import Value

Path: TypeAlias = tuple[str | int, ...]
"""The way to a value from the top of a document: keys of mappings, indices of lists."""

MAX_BYTES = 1 << 20
"""A document may have one MiB: ten times what a graph of 1,000 layers takes."""

MAX_VALUES = 200_000
"""How many values a document may hold with its aliases followed: a few hundred bytes can ask for billions."""

MAX_DEPTH = 60
"""How deep values may nest: a loop of aliases has no end."""

_DUPLICATE = re.compile(r'found duplicate key "([^"]+)"')

_LONGEST = 160  # a parser may quote half the file

WIDTH = 4096
"""Lines are not broken: a node stays on one."""


class Source:
    """A document as it was read: its plain value, and where each part of it stands."""

    def __init__(self, root: object, value: Mapping[str, Value], text: str = "") -> None:
        self._root = root
        self.value = value
        self.text = text

    @property
    def root(self) -> object:
        """The document as ruamel.yaml holds it, comments included."""
        return self._root

    def line(self, path: Path) -> int:
        """The line, counted from 1, of the part at `path`, or of the nearest part around it."""
        node, line = self._root, 1
        for key in path:
            if isinstance(node, CommentedMap):
                name = next((own for own in node if str(own) == key), None)
                if name is None:
                    break
                position = (node.lc.data or {}).get(name)
                line = position[0] + 1 if position else line
                node = node[name]
            elif isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node):
                position = (node.lc.data or {}).get(key)
                line = position[0] + 1 if position else line
                node = node[key]
            else:
                break
        return line


def parse(text: str, file: str = "") -> Source:
    """Read a YAML document whose top is a mapping.

    Raises:
        UnusableInputError: it is no such document; with the line.
    """
    if len(text) > MAX_BYTES:
        raise UnusableInputError(
            f"{len(text) / 1e6:.1f} MB; an experiment has at most {MAX_BYTES / 1e6:.1f} MB", file=file
        )
    try:
        root = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(str(part) for part in (error.context, error.problem) if part)
        line = mark.line + 1 if mark else 0
        if isinstance(error, DuplicateKeyError) and (key := _DUPLICATE.search(str(error.problem))):
            message = f"{key[1]!r} is there twice in one mapping; each name stands there once"
            raise UnusableInputError(message, file=file, line=line, code=codes.THERE_TWICE) from None
        raise UnusableInputError(f"not YAML: {shorten(reason, _LONGEST)}", file=file, line=line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnusableInputError(f"not text: {error.reason}", file=file, line=line) from None
    except RecursionError:
        raise UnusableInputError(f"values nest deeper than {MAX_DEPTH} levels", file=file) from None
    except Exception as error:  # noqa: BLE001 - the parser fails in any way on what is no YAML, a TypeError too
        raise UnusableInputError(f"not YAML: {shorten(str(error), _LONGEST)}", file=file) from None
    if root is None:
        raise UnusableInputError("empty; expected an experiment", file=file)
    if not isinstance(root, CommentedMap):
        raise UnusableInputError(
            f"expected a mapping such as 'kflab: 1', got {_describe(root)}", file=file, line=1
        )
    source = Source(root, {}, text)
    plain = _Plain(source, file).convert(root, ())
    assert isinstance(plain, Mapping)
    source.value = plain
    return source


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = WIDTH
    yaml.preserve_quotes = True
    return yaml


class _Plain:
    """Turns what ruamel.yaml loaded into plain values, and counts them."""

    def __init__(self, source: Source, file: str) -> None:
        self._source, self._file, self._left = source, file, MAX_VALUES

    def convert(self, value: object, path: Path) -> Value:
        self._left -= 1
        if self._left < 0:
            raise self._problem(f"more than {MAX_VALUES:,} values once its aliases are followed", ())
        if len(path) > MAX_DEPTH:
            raise self._problem(f"values nest deeper than {MAX_DEPTH} levels", path[:3])
        tag = getattr(value, "tag", None)
        if tag is not None and getattr(tag, "value", None):
            raise self._problem(
                f"the tag {tag.value} is not allowed: an experiment holds plain values only", path
            )
        if isinstance(value, CommentedMap):
            return {
                (name := self._key(key, path)): self.convert(item, (*path, name))
                for key, item in value.items()
            }
        if isinstance(value, CommentedSeq):
            return [self.convert(item, (*path, index)) for index, item in enumerate(value)]
        return self._scalar(value, path)

    def _scalar(self, value: object, path: Path) -> Value:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, ScalarBoolean):
            return bool(value)
        for kind in (int, float, str):
            if isinstance(value, kind):
                plain: Value = kind(value)
                return plain
        raise self._problem(f"expected plain values, got {_describe(value)}", path)

    def _key(self, key: object, path: Path) -> str:
        if isinstance(key, str):
            return str(key)
        if isinstance(key, int) and not isinstance(key, bool | ScalarBoolean):
            return str(int(key))
        raise self._problem(f"expected a name as key, got {key!r}", path)

    def _problem(self, message: str, path: Path) -> UnusableInputError:
        return UnusableInputError(message, file=self._file, line=self._source.line(path), path=spell(path))


def spell(path: Path) -> str:
    """A path as a person writes it: `model.nodes.left.from[1]`."""
    text = ""
    for key in path:
        name = key if isinstance(key, int) else shorten(key, 60)
        text += f"[{name}]" if isinstance(key, int) else f".{name}" if text else f"{name}"
    return text


def _describe(value: object) -> str:
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, CommentedSeq):
        return "a list"
    return f"{type(value).__name__} {str(value)[:40]!r}"


class Style(Protocol):
    """How the parts of a document are written."""

    def is_block(self, path: Path) -> bool:
        """Whether the mapping at a path gets a line for each key where it is new, and not one for all."""

    def is_ordered(self, path: Path) -> bool:
        """Whether the order of the keys of the mapping at a path means something."""

    def is_default(self, path: Path, value: Value) -> bool:
        """Whether leaving out what is at a path means the same as this value."""


def compose(value: Mapping[str, Value], before: Source | None, style: Style) -> str:
    """Write a mapping as YAML. What is unchanged from `before` stays as it stands there, comments included.

    Args:
        value: what to write.
        before: an earlier state of it as it was read; used up by this.
        style: how its parts are written.
    """
    root = before.root if before else None
    if isinstance(root, CommentedMap):
        _update_map(root, value, (), style)
    else:
        root = _fresh(value, (), style)
    stream = io.StringIO()
    _yaml().dump(root, stream)
    text = stream.getvalue()
    restored = _restore_spacing(text, before.text if before else "")
    return restored if restored == text or parse(restored).value == parse(text).value else text


def _restore_spacing(text: str, template: str) -> str:
    """`text`, its lines that differ from one of `template` only in their spaces as they stand there."""
    before: dict[str, list[str]] = {}
    for line in reversed(template.splitlines()):
        before.setdefault(" ".join(line.split()), []).append(line)
    lines = []
    for line in text.splitlines():
        same = before.get(" ".join(line.split()))
        lines.append(same.pop() if same else line)
    return "\n".join(lines) + "\n"


def _update_map(old: CommentedMap, new: Mapping[str, Value], path: Path, style: Style) -> None:
    _follow_names(old, new, path, style)
    names = {str(key): key for key in old}
    for name, key in list(names.items()):
        if name not in new and not style.is_default((*path, name), _plain(old[key])):
            del old[key]
            del names[name]
    previous = ""
    for name, value in new.items():
        key = names.get(name)
        where = (*path, name)
        if key is None:
            if style.is_default(where, value):
                continue  # who wrote the document left it out
            names[name] = _natural_key(name)
            place = list(old).index(names[previous]) + 1 if previous else 0
            old.insert(place, names[name], _fresh(value, where, style))
        elif (updated := _updated(old[key], value, where, style)) is not old[key]:
            old[key] = updated
        previous = name
    order = [names[name] for name in new if name in names]
    if style.is_ordered(path) and list(old) != order:
        for key in order:
            old.move_to_end(key)


def _follow_names(old: CommentedMap, new: Mapping[str, Value], path: Path, style: Style) -> None:
    """Give what only has another name now that name in its place, so that its comments stay.

    That is what stands between the same neighbours and is the same, or the only one with the same keys. Where
    several may be meant, none is: a comment that is lost says nothing wrong.
    """
    names = [str(key) for key in old]
    came = _between(list(new), set(names))
    if not came:
        return
    plain = {str(key): _plain(value) for key, value in old.items() if str(key) not in new}
    gone = _between(
        [name for name in names if name in new or not style.is_default((*path, name), plain[name])], set(new)
    )
    for place, arrived in came.items():
        left = gone.get(place, [])
        for name in arrived:
            same = [one for one in left if plain[one] == new[name]]
            alike = same or [one for one in left if _alike(plain[one], new[name])]
            if len(alike) == 1:
                left.remove(alike[0])
                _rename_key(old, alike[0], name)


def _between(names: Sequence[str], fixed: Container[str]) -> dict[str, list[str]]:
    """The names that are not fixed, by the fixed one that they come after; "" where there is none."""
    found: dict[str, list[str]] = {}
    after = ""
    for name in names:
        if name in fixed:
            after = name
        else:
            found.setdefault(after, []).append(name)
    return found


def _alike(old: Value, new: Value) -> bool:
    return isinstance(old, Mapping) and isinstance(new, Mapping) and list(old) == list(new)


def _rename_key(mapping: CommentedMap, name: str, new: str) -> None:
    position, key = next((index, key) for index, key in enumerate(mapping) if str(key) == name)
    comments, value = mapping.ca.items.get(key), mapping.pop(key)
    mapping.insert(position, _natural_key(new), value)
    if comments is not None:
        mapping.ca.items[_natural_key(new)] = comments


def _plain(value: object) -> Value:
    """The plain value of a part of a document that was read before and so is known to have one."""
    return _Plain(Source(value, {}), "").convert(value, ())


def _updated(old: object, new: Value, path: Path, style: Style) -> object:
    """What stands for `new` in the document: the old object where it still holds, or changed in place."""
    if isinstance(old, CommentedMap) and isinstance(new, Mapping):
        _update_map(old, new, path, style)
        return old
    if isinstance(old, CommentedSeq) and isinstance(new, Sequence) and not isinstance(new, str):
        for index in range(min(len(old), len(new))):
            if (updated := _updated(old[index], new[index], (*path, index), style)) is not old[index]:
                old[index] = updated
        del old[len(new) :]
        for item in new[len(old) :]:
            old.append(_fresh(item, (*path, len(old)), style))
        return old
    if isinstance(old, bool | ScalarBoolean) or isinstance(new, bool):
        same = isinstance(old, bool | ScalarBoolean) and isinstance(new, bool) and bool(old) == new
    else:
        same = not isinstance(new, Mapping | list) and old == new
    return old if same else _fresh(new, path, style)


def _natural_key(name: str) -> str | int:
    """Whole numbers are written without quotes: the epochs of a table of learning rates."""
    return int(name) if name.isascii() and name.isdigit() and str(int(name)) == name else name


def _fresh(value: Value, path: Path, style: Style) -> object:
    if isinstance(value, Mapping):
        result = CommentedMap()
        for name, item in value.items():
            result[_natural_key(name)] = _fresh(item, (*path, name), style)
        if not value or not style.is_block(path):
            result.fa.set_flow_style()
        return result
    if isinstance(value, str):
        if "\n" in value:
            return LiteralScalarString(value)
        return value
    if isinstance(value, Sequence):
        result_list = CommentedSeq(_fresh(item, (*path, index), style) for index, item in enumerate(value))
        result_list.fa.set_flow_style()
        return result_list
    return value
