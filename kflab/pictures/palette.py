"""The colours of a terminal: true colours, 256, 16 or none, and which of them is nearest."""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping

from kflab.pictures.cells import RGB, Color


class Depth(enum.IntEnum):
    """How many colours a terminal has."""

    NONE = 0
    FEW = 16
    MANY = 256
    TRUE = 1 << 24


LEVELS = (0, 95, 135, 175, 215, 255)
"""The levels of red, green and blue in the cube of 256 colours."""

FEW: tuple[RGB, ...] = (
    (0, 0, 0),
    (170, 0, 0),
    (0, 170, 0),
    (170, 85, 0),
    (0, 0, 170),
    (170, 0, 170),
    (0, 170, 170),
    (170, 170, 170),
    (85, 85, 85),
    (255, 85, 85),
    (85, 255, 85),
    (255, 255, 85),
    (85, 85, 255),
    (255, 85, 255),
    (85, 255, 255),
    (255, 255, 255),
)
"""About what the 16 colours look like; each terminal has its own."""

GREYS = (0, 8, 7, 15)
"""The greys of the 16 colours, from black to white."""

CLASSES: tuple[RGB, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (213, 94, 0),
    (0, 114, 178),
    (170, 170, 170),
)
"""Colours of classes that people with any colour vision tell apart, after Okabe and Ito."""

_CLASSES_OF_FEW = (14, 11, 10, 13, 15, 9, 12, 7)


def depth_of(environment: Mapping[str, str], *, is_terminal: bool) -> Depth:
    """How many colours there are, by what the environment says.

    Args:
        environment: the environment variables.
        is_terminal: whether the output is a terminal at all.
    """
    term = environment.get("TERM", "")
    if not is_terminal or environment.get("NO_COLOR") or term in {"", "dumb", "vt100", "vt102", "vt220"}:
        return Depth.NONE
    if environment.get("COLORTERM", "").strip().lower() in {"truecolor", "24bit"} or "direct" in term:
        return Depth.TRUE
    if term.startswith(("xterm-kitty", "xterm-ghostty", "foot", "alacritty", "wezterm")):
        return Depth.TRUE
    return Depth.MANY if "256color" in term else Depth.FEW


def class_color(number: int, depth: Depth) -> Color:
    """The colour of a class."""
    if depth is Depth.NONE:
        return None
    if depth is Depth.FEW:
        return _CLASSES_OF_FEW[number % len(_CLASSES_OF_FEW)]
    color = CLASSES[number % len(CLASSES)]
    return color if depth is Depth.TRUE else of_many(color)


def of_depth(color: RGB, depth: Depth) -> Color:
    """The colour of a depth that is nearest."""
    if depth is Depth.NONE:
        return None
    if depth is Depth.TRUE:
        return color
    return of_many(color) if depth is Depth.MANY else of_few(color)


@functools.lru_cache(maxsize=1 << 16)
def of_many(color: RGB) -> int:
    """The nearest of 256 colours: of the cube, or of the 24 greys."""
    steps = [min(range(6), key=lambda step: abs(LEVELS[step] - part)) for part in color]
    cube = 16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    grey = max(0, min(23, round((sum(color) / 3 - 8) / 10)))
    level = 8 + 10 * grey
    in_cube = (LEVELS[steps[0]], LEVELS[steps[1]], LEVELS[steps[2]])
    return 232 + grey if _far((level, level, level), color) < _far(in_cube, color) else cube


@functools.lru_cache(maxsize=1 << 16)
def of_few(color: RGB) -> int:
    """The nearest of the 16 colours; what has next to no colour becomes a grey."""
    if max(color) - min(color) < 40:
        return min(GREYS, key=lambda one: _far(FEW[one], color))
    return min(range(16), key=lambda one: _far(FEW[one], color))


def rgb_of(number: int) -> RGB:
    """About what a colour of the 256 looks like."""
    if number < 16:
        return FEW[number]
    if number >= 232:
        level = 8 + 10 * (number - 232)
        return level, level, level
    cube = number - 16
    return LEVELS[cube // 36], LEVELS[cube // 6 % 6], LEVELS[cube % 6]


def _far(one: RGB, other: RGB) -> int:
    # The eye tells greens apart best, blues least.
    return sum(weight * (a - b) ** 2 for weight, a, b in zip((3, 6, 1), one, other, strict=True))
