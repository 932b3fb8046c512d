"""The command line of a script: its arguments have the defaults that `argparse` is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from kflab.imports.python.things import Class, Instance, Place

_GROUPS = frozenset({"add_argument_group", "add_mutually_exclusive_group"})
_PARSING = frozenset({"parse_args", "parse_known_args"})


@dataclasses.dataclass(eq=False)
class Parser:
    """An `argparse.ArgumentParser`, by the values that its arguments have when nobody gives any."""

    values: dict[str, object] = dataclasses.field(default_factory=dict)


def method(
    parser: Parser, name: str, positional: Sequence[object], named: Mapping[str, object], place: Place
) -> object:
    """What a method of a parser gives."""
    if name == "add_argument":
        _add(parser, positional, named, place)
        return None
    if name == "set_defaults":
        parser.values.update(named)
        return None
    if name in _GROUPS:
        return parser
    if name in _PARSING:
        parsed = Instance(Class("Namespace", (), {}, place.line), dict(parser.values))
        return parsed if name == "parse_args" else (parsed, [])
    return place.unknown("is not read")


def _add(parser: Parser, flags: Sequence[object], named: Mapping[str, object], place: Place) -> None:
    """Take note of the default of an argument."""
    texts = [flag for flag in flags if isinstance(flag, str)]
    long = next((flag for flag in texts if flag.startswith("--")), texts[0] if texts else "")
    given = named.get("dest")
    name = given if isinstance(given, str) else long.lstrip("-").replace("-", "_")
    match named.get("action"):
        case "store_true":
            parser.values[name] = named.get("default", False)
        case "store_false":
            parser.values[name] = named.get("default", True)
        case _ if "default" in named:
            parser.values[name] = named["default"]
        case _ if long.startswith("-") and not named.get("required"):
            parser.values[name] = None
        case _:
            parser.values[name] = place.unknown("is told on the command line", f"args.{name}", definable=True)
