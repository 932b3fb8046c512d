"""What a line of quick add was understood as, drawn: each node with its arguments, and what is wrong."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from kflab.graph.nodes import Call, Layer, Op, Share
from kflab.quick_add.canonical import argument_text
from kflab.quick_add.understood import Misread, Segment, Understood
from kflab.tui.lines import Line, Part, Run, fitted, width_of

_GAP = Run("  ")
_WRONG = "✗ "


def understood_lines(
    understood: Understood, cursor: int, width: int, height: int, *, refused: str = ""
) -> list[Line]:
    """The nodes of a line and its problems, in at most `height` lines of `width` columns.

    Args:
        understood: what the line says.
        cursor: the column of the cursor: its node is always in sight, its argument stands out.
        width: the columns there are.
        height: the lines there are.
        refused: why the line was not added, where that was tried.
    """
    wrong = list(_problems(understood, cursor, refused, width))[: max(height - 1, 1)]
    room = height - len(wrong)
    lines: list[Line] = []
    now = 0
    for segment in understood.segments:
        if segment.start <= cursor:
            now = len(lines)
        lines += _wrapped(list(_node(segment, cursor)), width)
    first = max(0, min(now, len(lines) - room))
    return [*lines[first : first + room], *wrong]


def _problems(understood: Understood, cursor: int, refused: str, width: int) -> Iterator[Line]:
    """What is wrong, the first of it first; what may only be unfinished is told quietly."""
    told = (
        [(refused, Part.ERROR)]
        if refused
        else [
            (problem.message, Part.QUIET if is_typed(problem, understood, cursor) else Part.ERROR)
            for problem in understood.problems
        ]
    )
    for message, part in told:
        for text in textwrap.wrap(message, width, initial_indent=_WRONG, subsequent_indent=" " * len(_WRONG)):
            yield fitted((Run(text, part),), width)


def is_typed(problem: Misread, understood: Understood, cursor: int) -> bool:
    """Whether words may only be unfinished: the cursor stands behind them, and something completes them."""
    return problem.end == cursor and bool(understood.completions)


def _node(segment: Segment, cursor: int) -> Iterator[Run]:
    """The pieces of one node; a line may be broken between any two."""
    target = segment.target
    yield Run("● " if target is not None else "○ ", Part.ACCENT if target is not None else Part.QUIET)
    if segment.name:
        yield Run(f"{segment.name}: ", Part.FACT)
    match target:
        case Layer() | Op() if segment.entry is not None:
            inside = ")" * len(segment.wrappers)
            around = "".join(f"{wrapper.name}(" for wrapper in segment.wrappers)
            yield Run(f"{around}{segment.entry.name}{inside}", Part.TITLE)
            for name in segment.preset:
                yield Run(argument_text(name, target.arguments.get(name)), Part.QUIET)
        case Share(node=owner):
            yield Run(f"the layer of {owner}, shared", Part.TITLE)
        case Call(model=model):
            yield Run(f"the model {model}", Part.TITLE)
        case _:
            yield Run("…", Part.QUIET)
    for one in segment.matched:
        is_here = one.start <= cursor <= one.end
        yield Run(argument_text(one.argument, one.value), Part.ACCENT if is_here else Part.FACT)
    for name in segment.missing:
        yield Run(f"{name} needed", Part.WARNING)
    for source in segment.inputs:
        yield Run(f"and from {source}", Part.FACT)


def _wrapped(runs: Sequence[Run], width: int) -> list[Line]:
    """Pieces in as many lines as they need; those behind the first are indented."""
    lines: list[Line] = []
    line: list[Run] = []
    for run in runs:
        joined = [*line, run] if len(line) < 2 or line[-1].text.endswith(": ") else [*line, _GAP, run]
        if width_of(joined) > width and len(line) > 1:
            lines.append(fitted(line, width))
            joined = [Run("    "), run]
        line = joined
    return [*lines, fitted(line, width)]
