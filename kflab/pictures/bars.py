"""Class counts and histograms as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from kflab.catalog.profiles import Bin, ClassCount
from kflab.pictures.cells import ELLIPSIS, Line, Piece, Tone, cut, one_line, said, width_of
from kflab.pictures.numbers import number_text, share_text
from kflab.pictures.palette import Depth, class_color

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = " ▁▂▃▄▅▆▇█"
_LEAST_BAR = 6


def bar(part: float, whole: float, width: int, *, plain: bool = False) -> str:
    """How much of a whole something is, as a bar of at most `width` columns; something is never nothing."""
    if whole <= 0 or part <= 0 or width <= 0:
        return ""
    eighths = max(1, round(8 * width * min(1.0, part / whole)))
    if plain:
        return "#" * max(1, round(eighths / 8))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def class_bars(
    counts: Sequence[ClassCount],
    width: int,
    depth: Depth,
    *,
    validation: Sequence[ClassCount] = (),
    most: int = 12,
    plain: bool = False,
) -> list[Line]:
    """Each class with its bar, its count and its share, and how many of it are validated on.

    Args:
        counts: the classes.
        width: the columns.
        depth: the colours.
        validation: the classes of the validation split.
        most: the most lines: of more classes, the largest and the smallest are shown.
        plain: draw with plain ASCII.
    """
    total = sum(one.count for one in counts)
    largest = max((one.count for one in counts), default=0)
    own = {one.label: one.count for one in validation}
    shown = _chosen(counts, most)
    labels = [one_line(one.label) for _, one in shown]
    label_width = min(max((cell_len(label) for label in labels), default=0), max(4, width // 3))
    numbers = [f"{one.count:,}" for _, one in shown]
    number_width = max((len(text) for text in numbers), default=0)
    shares = [share_text(one.count / total) if total else "" for _, one in shown]
    others = [f"{own[one.label]:,}" if one.label in own else "" for _, one in shown]
    other_width = max((len(text) for text in others), default=0)
    tail = number_width + 8 + (other_width + 2 if other_width else 0)
    bar_width = min(60, width - label_width - 2 - tail)
    lines: list[Line] = []
    left_out = len(counts) - len(shown)
    rows = zip(shown, labels, numbers, shares, others, strict=True)
    for at, ((number, one), label, count, share, other) in enumerate(rows):
        if left_out and at == (len(shown) + 1) // 2:
            lines.append(said(f"{ELLIPSIS} {left_out:,} classes between", Tone.QUIET))
        name = cut(label, label_width)
        pieces = [Piece(name + " " * (label_width - cell_len(name) + 1))]
        if bar_width >= _LEAST_BAR:
            drawn = bar(one.count, largest, bar_width, plain=plain)
            pieces += [Piece(drawn, class_color(number, depth)), Piece(" " * (bar_width - len(drawn) + 1))]
        pieces += [Piece(count.rjust(number_width)), Piece(f" {share:>6}", tone=Tone.QUIET)]
        if other_width:
            pieces.append(Piece(f"  {other:>{other_width}}", tone=Tone.QUIET))
        tone = Tone.WARNING if not one.count else Tone.PLAIN
        lines.append(
            tuple(piece._replace(tone=tone) if tone is not Tone.PLAIN else piece for piece in pieces)
        )
    return [_kept(line, width) for line in lines]


def _chosen(counts: Sequence[ClassCount], most: int) -> list[tuple[int, ClassCount]]:
    numbered = list(enumerate(counts))
    if len(numbered) <= most:
        return numbered
    # A line tells what is left out; the first and the last are not always the largest and the smallest.
    ranked = sorted(numbered, key=lambda pair: -pair[1].count)
    room = max(2, most - 1)
    return ranked[: room - room // 2] + ranked[len(ranked) - room // 2 :]


def histogram(bins: Sequence[Bin], width: int, height: int, *, plain: bool = False) -> list[Line]:
    """A histogram: columns of bars, and below them where the first and the last end.

    Args:
        bins: the bars.
        width: the most columns.
        height: the rows, the one with the edges among them.
        plain: draw with plain ASCII.
    """
    if not bins or width < 4 or height < 2:
        return []
    each = max(1, min(4, width // len(bins)))
    counts = [one.count for one in bins]
    if each * len(bins) > width:
        counts = _merged(counts, width)
    most = max(counts) or 1
    rows = height - 1
    lines: list[Line] = []
    for row in range(rows):
        base = rows - 1 - row
        text = "".join(_column(count, most, rows, base, plain=plain) * each for count in counts)
        lines.append((Piece(text, tone=Tone.ACCENT),))
    lines.append(_edges(bins, each * len(counts), width))
    return lines


def _column(count: int, most: int, rows: int, base: int, *, plain: bool) -> str:
    # The least count is still seen: an outlier is often what one is looking for.
    eighths = max(1, round(8 * rows * count / most)) if count else 0
    level = max(0, min(8, eighths - 8 * base))
    return ("#" if level >= 4 or (level and not base) else " ") if plain else _LEVELS[level]


def _merged(counts: Sequence[int], width: int) -> list[int]:
    return [sum(counts[at * len(counts) // width : (at + 1) * len(counts) // width]) for at in range(width)]


def _edges(bins: Sequence[Bin], drawn: int, width: int) -> Line:
    # A bar of one whole number is called by that number.
    last = (
        bins[-1].low if all(one.high - one.low == 1 and one.low % 1 == 0 for one in bins) else bins[-1].high
    )
    low, high = number_text(bins[0].low), number_text(last)
    gap = max(1, drawn - len(low) - len(high))
    return (Piece(cut(low + " " * gap + high, width), tone=Tone.QUIET),)


def sparkline(bins: Sequence[Bin], width: int, *, plain: bool = False) -> str:
    """A histogram in one row."""
    if not bins or width < 1:
        return ""
    counts = [one.count for one in bins]
    counts = _merged(counts, width) if len(counts) > width else counts
    most = max(counts) or 1
    return "".join(_column(count, most, 1, 0, plain=plain) for count in counts)


def probability_bars(
    shares: Mapping[str, float], width: int, depth: Depth, *, plain: bool = False
) -> list[Line]:
    """What each class is given of 1, as bars."""
    labels = {label: one_line(label) for label in shares}
    label_width = min(max((cell_len(label) for label in labels.values()), default=0), max(4, width // 3))
    room = max(0, min(40, width - label_width - 9))
    lines: list[Line] = []
    for number, (label, share) in enumerate(shares.items()):
        name = cut(labels[label], label_width)
        drawn = bar(share, 1.0, room, plain=plain)
        lines.append(
            _kept(
                (
                    Piece(name + " " * (label_width - cell_len(name) + 1)),
                    Piece(drawn, class_color(number, depth)),
                    Piece(" " * (room - len(drawn) + 1)),
                    Piece(f"{share_text(share) or '0 %':>6}", tone=Tone.QUIET),
                ),
                width,
            )
        )
    return lines


def _kept(line: Line, width: int) -> Line:
    if width_of(line) <= width:
        return line
    found: list[Piece] = []
    for piece in line:
        text = cut(piece.text, width)
        found.append(piece._replace(text=text))
        width -= cell_len(text)
        if width <= 0:
            break
    return tuple(found)
