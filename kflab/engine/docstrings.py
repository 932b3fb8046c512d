"""Keras' docstrings taken apart: the summary, the words on each argument, and the rest as plain text."""

from __future__ import annotations

import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(?:#+ )?(?P<title>[A-Z][\w /*-]{2,40}):\s*$")
_ARGUMENT = re.compile(r"^\*{0,2}(?P<name>[A-Za-z_]\w*)(?: \([^)]*\))?\s*:(?:\s+(?P<words>.*))?$")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.) ")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\. )")

_OWN_ARGUMENTS = ("Args", "Arguments")
_CALL_ARGUMENTS = ("Call arguments", "Call args", "Call Args")
_LEFT_OUT = (*_OWN_ARGUMENTS, "Raises", "Reference", "References")


@dataclass(frozen=True)
class Docstring:
    """A docstring taken apart.

    Attributes:
        summary: its first sentence or line.
        text: the rest but for the arguments, the errors and the references.
        arguments: the words on each argument.
        call_arguments: the words on each argument of the layer's `call`.
    """

    summary: str = ""
    text: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    call_arguments: Mapping[str, str] = field(default_factory=dict)


def parse(documented: object) -> Docstring:
    """Takes the docstring of a class or function apart; one without a docstring gives empty parts."""
    sections = _sections(_flush(inspect.getdoc(documented) or ""))
    opening = sections[0][1]
    blank = next((index for index, line in enumerate(opening) if not line.strip()), len(opening))
    summary = " ".join(line.strip() for line in opening[:blank])
    kept = [("", opening[blank:]), *((title, body) for title, body in sections[1:] if title not in _LEFT_OUT)]
    return Docstring(
        summary=summary,
        text="\n\n".join(filter(None, (_section_text(title, body) for title, body in kept))),
        arguments=_merged(body for title, body in sections if title in _OWN_ARGUMENTS),
        call_arguments=_merged(body for title, body in sections if title in _CALL_ARGUMENTS),
    )


def _flush(text: str) -> list[str]:
    """The lines with headings at the left edge, from where an example that stands further left moved them."""
    lines = text.splitlines()
    heading = next((line for line in lines if line.strip().rstrip(":") in _OWN_ARGUMENTS), "")
    return [line[min(_indent(heading), _indent(line)) :] for line in lines]


def _sections(lines: list[str]) -> list[tuple[str, list[str]]]:
    """The lines under each heading such as `Args:`; what comes before the first stands under ""."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    fenced = False
    for line in lines:
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _SECTION.match(line)
        if heading:
            sections.append((heading["title"].strip(), []))
        else:
            sections[-1][1].append(line)
    return sections


def _merged(bodies: Iterable[list[str]]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for body in bodies:
        merged.update(_arguments(body))
    return merged


def _arguments(body: list[str]) -> dict[str, str]:
    """The words on each argument in the body of an `Args:` section."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    indent = next((_indent(line) for line in body if line.strip()), 0)
    for line in (line[indent:] for line in itertools.takewhile(lambda line: _within(line, indent), body)):
        start = _ARGUMENT.match(line)
        if start:
            current = found.setdefault(start["name"], [])
            current.append(start["words"] or "")
        else:
            current.append(line)
    return {name: plain([words[0], *_dedented(words[1:])]) for name, words in found.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _within(line: str, indent: int) -> bool:
    """Whether a line belongs to a section that is indented so far."""
    return not line.strip() or _indent(line) >= indent


def _section_text(title: str, body: list[str]) -> str:
    if title in _CALL_ARGUMENTS:
        text = "\n".join(f"{name}: {words}" for name, words in _arguments(body).items())
    else:
        text = plain(_dedented(body))
    return f"{title}:\n{textwrap.indent(text, '  ')}" if title and text else text


def _dedented(lines: list[str]) -> list[str]:
    return textwrap.dedent("\n".join(lines)).splitlines()


def plain(lines: Iterable[str]) -> str:
    """Lines of a docstring as plain text: wrapped lines joined, code and lists kept as they stand."""
    paragraphs: list[str] = []
    joining = False
    fenced = prompted = False
    for line in lines:
        stripped = line.strip()
        if _FENCE.match(line):
            fenced, joining = not fenced, False
            continue
        prompted = bool(_PROMPT.match(line)) or (prompted and bool(stripped))
        if fenced or prompted:
            paragraphs.append(f"    {line.rstrip()}" if fenced else line.rstrip())
            joining = False
        elif not stripped:
            if paragraphs and paragraphs[-1]:
                paragraphs.append("")
            joining = False
        elif _ITEM.match(line) or not joining:
            paragraphs.append(stripped)
            joining = True
        else:
            paragraphs[-1] = f"{paragraphs[-1]} {stripped}"
    return "\n".join(paragraphs).strip("\n")
