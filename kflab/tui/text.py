"""Shapes, counts and amounts in the few places that a column has."""

from __future__ import annotations

import math
from collections.abc import Iterable

ELLIPSIS = "…"

_DRAWN = "×…●○◉◆✗▲·•▸▾›‹–—━╸╺─│├┤┼┴┬╭╮╯╰┌┐└┘║═█▀▄▌▐▁▂▃▅▆▇▎▊▔■□√✓↑↓←→’“”≥≤"
_PLAIN = "x~*o@%X!.*>v><--=---|+++++++++++++|=#^_||___###||-#.vv^v<>'``><"
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_TO_ASCII = str.maketrans(_DRAWN, _PLAIN)
_KEYS = {"↵": "Enter", "⌫": "Bksp"}


def to_ascii(text: str) -> str:
    """The same text, as wide, in plain ASCII; what has no likeness becomes `?`."""
    if text.isascii():
        return text
    plain = text.translate(_TO_ASCII)
    return plain if plain.isascii() else "".join(mark if mark.isascii() else "?" for mark in plain)


def key_to_ascii(text: str) -> str:
    """The name of a key in plain ASCII: `Enter` for its arrow. May be wider."""
    return "".join(_KEYS.get(mark, mark) for mark in text)


def shape_text(shape: Iterable[int | None]) -> str:
    """Sizes as `8×8×16`; an unknown one is `?`, no axis at all is `scalar`."""
    return "×".join("?" if size is None else str(size) for size in shape) or "scalar"


def count_text(count: int, *, narrow: bool = False) -> str:
    """A count as `1,392,097`, or in at most six places as `1.39 M`."""
    if not narrow or count < 100_000:
        return f"{count:,}"
    limit, unit = next(pair for pair in _UNITS if count >= pair[0])
    scaled = count / limit
    return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"


def bytes_text(count: float) -> str:
    """An amount of memory: `512 B`, `3.5 kB`, `1.2 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB" if count < 1000 else f"{count / 1000:,.1f} PB"


def duration(seconds: float) -> str:
    """A time span in two units at most: `0.4 s`, `12 s`, `3 min 5 s`, `25 min`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 0.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if 600 <= whole < 3570:
        return f"{round(whole / 60)} min"
    for big, small, size, unit in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            rest = whole % size // unit
            return f"{whole // size} {big} {rest} {small}" if rest else f"{whole // size} {big}"
    return f"{whole} s"


def plural(count: int, noun: str) -> str:
    """`1 node`, `1,000 nodes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def fit(text: str, width: int) -> str:
    """The text cut to `width` places, with an ellipsis where something is missing."""
    if len(text) <= width:
        return text
    return text[: width - 1] + ELLIPSIS if width > 1 else text[:width]


def fit_middle(text: str, width: int) -> str:
    """The text cut to `width` places in its middle: names often differ at their end."""
    if len(text) <= width or width < 4:
        return fit(text, width)
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + ELLIPSIS + text[-tail:]


def fit_chain(text: str, width: int, arrow: str = " → ") -> str:
    """A chain of words cut to `width` places by leaving out words in its middle: `conv → … → relu`."""
    words = text.split(arrow)
    short = text
    for left in range(len(words) - 1, 1, -1):
        if len(short) <= width:
            return short
        head = words[: (left + 1) // 2]
        short = arrow.join((*head, ELLIPSIS, *words[len(words) - left // 2 :]))
    return fit(short if len(short) <= width else text, width)


def share_text(part: int, whole: int) -> str:
    """How much of a whole something is, in at most four places: `23%`, `<1%`; nothing where it is none."""
    if not part or not whole:
        return ""
    percent = round(100 * part / whole)
    return f"{percent}%" if percent else "<1%"


def bar_text(part: int, whole: int, width: int) -> str:
    """How much of a whole something is, as a bar of at most `width` places."""
    halves = round(2 * width * part / whole) if whole else 0
    return "█" * (halves // 2) + ("▌" if halves % 2 else "")


def rate_text(rate: float) -> str:
    """A learning rate as short as it can be told: `1e-3`, `2.5e-4`, `0.05`."""
    if not math.isfinite(rate) or rate == 0 or 0.01 <= abs(rate) < 1000:
        return f"{rate:.3g}"
    mantissa, _, exponent = f"{rate:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
