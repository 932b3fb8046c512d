"""Samples: images as tiles, rows as a table, texts and series one below the other."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from kflab.catalog.looks import Curves, Picture, Row, Sample, Shown, Words
from kflab.pictures import images
from kflab.pictures.cells import ELLIPSIS, Line, Piece, Tone, beside, cut, one_line, said
from kflab.pictures.dots import curves
from kflab.pictures.numbers import number_text
from kflab.pictures.style import Style
from kflab.pictures.tables import aligned

TILE = images.Size(28, 14)
"""The most cells of one image."""

_LEAST_TILE = 12
_LEAST_HEIGHT = 4
_HANDFUL = 6
_CURVE = images.Size(60, 6)
_MOST_TEXT = 8
_GAP = 2


class Page(NamedTuple):
    """Samples in some room.

    Attributes:
        lines: what is drawn.
        shown: how many samples are there.
    """

    lines: list[Line]
    shown: int


def draw(samples: Sequence[Sample], style: Style) -> list[Line]:
    """Samples as lines at most `style.width` wide."""
    return page(samples, style, rows=0).lines


def page(samples: Sequence[Sample], style: Style, rows: int) -> Page:
    """The first of some samples, as many as there is room for; one at least.

    Args:
        samples: the samples.
        style: how they are drawn.
        rows: how many rows there are to draw them in; 0 stands for any number.
    """
    if not samples:
        return Page([said("no samples", Tone.QUIET)], 0)
    kinds = {type(shown) for sample in samples for shown in sample.inputs.values()}
    if kinds == {Picture}:
        return tiles(samples, style, rows)
    if kinds == {Row}:
        shown = samples[: max(1, rows - 1)] if rows else samples
        return Page(table(shown, style), len(shown))
    lines: list[Line] = []
    count = 0
    for sample in samples:
        block = _block(sample, style)
        if rows and lines and len(lines) + 1 + len(block) > rows:
            break
        lines += [(), *block] if lines else block
        count += 1
    return Page(lines, count)


def caption(sample: Sample) -> str:
    """What a sample is held against, in a few words: its classes, or its values."""
    parts = [*sample.labels.items()]
    parts += [(name, _brief(shown)) for name, shown in sample.targets.items()]
    parts = [(name, text) for name, text in parts if text]
    if len(parts) == 1:
        return one_line(parts[0][1])
    return " · ".join(f"{one_line(name)} {one_line(text)}" for name, text in parts)


def _brief(shown: Shown) -> str:
    if isinstance(shown, Row):
        values = [_cell(value) for value in shown.values[:4]]
        more = ELLIPSIS if len(shown.values) > 4 or shown.left_out else ""
        return ", ".join(values) + more
    return shown.text if isinstance(shown, Words) else ""


def _cell(value: float | str | None) -> str:
    return one_line(value) if isinstance(value, str) else number_text(value)


# Images


class Grid(NamedTuple):
    """How images are laid out.

    Attributes:
        size: the cells of each image.
        wide: the columns of a sample, which may have several images.
        across: the samples side by side.
    """

    size: images.Size
    wide: int
    across: int


def grid(samples: Sequence[Sample], style: Style, rows: int = 0) -> Grid:
    """The largest layout that shows a handful of samples in its room.

    Args:
        samples: the samples.
        style: how they are drawn.
        rows: how many rows there are; 0 stands for any number.
    """
    if not rows:
        return _grid(samples, style, TILE.rows)
    wanted = min(_HANDFUL, len(samples))
    for down in (1, 2, 3):
        # A row of tiles has a caption, and a gap to the next.
        height = (rows + 1) // down - 2
        if down > 1 and height < _LEAST_HEIGHT:
            break
        found = _grid(samples, style, max(1, min(TILE.rows, height)))
        if found.across * ((rows + 1) // (found.size.rows + 2)) >= wanted:
            break
    return found


def _grid(samples: Sequence[Sample], style: Style, height: int) -> Grid:
    pictures = [one for sample in samples for one in pictures_of(sample)]
    each = max((len(pictures_of(sample)) for sample in samples), default=1)
    columns = max(1, min(TILE.columns, (style.width - each + 1) // max(1, each)))
    # What has few pixels needs little room, and leaves it to more samples.
    sizes = [
        images.size_in(picture, min(columns, max(_LEAST_TILE, 2 * picture.width)), height)
        for picture in pictures
    ]
    size = images.Size(max(one.columns for one in sizes), max(one.rows for one in sizes))
    wide = min(style.width, max(_LEAST_TILE, each * (size.columns + 1) - 1))
    return Grid(size, wide, max(1, (style.width + _GAP) // (wide + _GAP)))


def pictures_of(sample: Sample) -> list[Picture]:
    """The images of a sample, in the order they are drawn."""
    shown = (*sample.inputs.values(), *sample.augmented.values(), *sample.targets.values())
    return [one for one in shown if isinstance(one, Picture)]


def tiles(samples: Sequence[Sample], style: Style, rows: int = 0) -> Page:
    """Images side by side, what each is held against below it.

    Args:
        samples: the samples.
        style: how they are drawn.
        rows: how many rows there are; 0 stands for any number.
    """
    size, wide, across = grid(samples, style, rows)
    lines: list[Line] = []
    count = 0
    for start in range(0, len(samples), across):
        row = samples[start : start + across]
        blocks = [[*_images(sample, size, wide, style), below(sample, wide)] for sample in row]
        drawn = beside(blocks, [wide] * len(row), _GAP)
        if rows and lines and len(lines) + len(drawn) + 1 > rows:
            break
        lines += [(), *drawn] if lines else drawn
        count += len(row)
    return Page(lines, count)


def _images(sample: Sample, size: images.Size, width: int, style: Style) -> list[Line]:
    depth = style.depth.NONE if style.plain else style.depth
    drawn = [images.draw(one, *size, depth) for one in pictures_of(sample)]
    room = max(1, (width + 1) // (size.columns + 1))
    block = beside(drawn[:room], [size.columns] * min(room, len(drawn)), 1)
    return [*block, *[()] * (size.rows - len(block))]


def below(sample: Sample, width: int) -> Line:
    """What stands below the images of a sample."""
    text = caption(sample)
    number = f"#{sample.index}"
    if not text:
        return (Piece(cut(number, width), tone=Tone.QUIET),)
    if cell_len(text) + 1 + len(number) > width:
        return (Piece(cut(text, width)),)
    return (Piece(text), Piece(f" {number}", tone=Tone.QUIET))


# Rows


def table(samples: Sequence[Sample], style: Style) -> list[Line]:
    """Rows of numbers and words, a column for each, what they are held against in front."""
    targets = list(samples[0].labels) + list(samples[0].targets)
    head = ["#", *(one_line(name) for name in targets)]
    inputs = {name: shown for name, shown in samples[0].inputs.items() if isinstance(shown, Row)}
    counts = {}
    for name, shown in inputs.items():
        # Lists of a user's own may differ in length; what is short is filled up.
        counts[name] = count = max(len(_values(sample.inputs[name])) for sample in samples)
        own = shown.names if len(shown.names) == count else tuple(f"{name}.{at}" for at in range(count))
        head += [one_line(text) for text in (own if count > 1 or shown.names else (name,))]
    rows = []
    words = {at for at, name in enumerate(targets, 1) if name in samples[0].labels}
    for sample in samples:
        against = [one_line(sample.labels.get(name) or _brief_of(sample, name)) for name in targets]
        values = [value for name in inputs for value in _filled_up(sample.inputs[name], counts[name])]
        words |= {at for at, value in enumerate(values, 1 + len(targets)) if isinstance(value, str)}
        rows.append([str(sample.index), *against, *(_cell(value) for value in values)])
    return aligned(head, rows, style.width, left=frozenset(words))


def _filled_up(shown: Shown, count: int) -> tuple[float | str | None, ...]:
    values = _values(shown)
    return (*values, *("",) * (count - len(values)))


def _values(shown: Shown) -> tuple[float | str | None, ...]:
    return shown.values if isinstance(shown, Row) else ()


def _brief_of(sample: Sample, name: str) -> str:
    shown = sample.targets.get(name)
    return "" if shown is None else _brief(shown)


# All else


def _block(sample: Sample, style: Style) -> list[Line]:
    text = caption(sample)
    head = f"#{sample.index}"
    lines: list[Line] = [
        (Piece(head, tone=Tone.QUIET), Piece(f" {cut(text, style.width - len(head) - 1)}", tone=Tone.TITLE))
    ]
    for name, shown in (*sample.inputs.items(), *sample.augmented.items()):
        lines += _named(name, shown, style)
    for name, shown in sample.targets.items():
        if isinstance(shown, Picture | Curves):
            lines += _named(name, shown, style)
    return lines


def _named(name: str, shown: Shown, style: Style) -> list[Line]:
    label = one_line(name)
    indent = min(max(8, cell_len(label)), max(4, style.width // 4)) + 2
    own = show(shown, style._replace(width=max(8, style.width - indent)))
    first = cut(label, indent - 2)
    lines: list[Line] = []
    for at, line in enumerate(own):
        text = first + " " * (indent - cell_len(first)) if not at else " " * indent
        lines.append((Piece(text, tone=Tone.QUIET), *line))
    return lines


def show(shown: Shown, style: Style) -> list[Line]:
    """The value of one array in one sample."""
    if isinstance(shown, Picture):
        depth = style.depth.NONE if style.plain else style.depth
        return images.draw(shown, min(TILE.columns, style.width), TILE.rows, depth)
    if isinstance(shown, Curves):
        return _curve_block(shown, style)
    if isinstance(shown, Words):
        return _words(shown, style.width)
    return _row(shown, style.width)


def _curve_block(shown: Curves, style: Style) -> list[Line]:
    values = [one for line in shown.lines for one in line if one is not None]
    drawn = curves(shown, min(_CURVE.columns, style.width), _CURVE.rows, style.depth, plain=style.plain)
    steps = f"{shown.steps:,} steps"
    if values:
        steps += f", {number_text(min(values))} to {number_text(max(values))}"
    if shown.left_out:
        steps += f", and {shown.left_out:,} more series"
    return [*drawn, said(cut(steps, style.width), Tone.QUIET)]


def _words(shown: Words, width: int) -> list[Line]:
    text = shown.text or " ".join(map(str, shown.ids))
    lines = textwrap.wrap(one_line(text), max(8, width)) or ["no words"]
    cut_off = len(lines) > _MOST_TEXT
    found: list[Line] = [said(cut(line, width)) for line in lines[:_MOST_TEXT]]
    notes = []
    if cut_off:
        notes.append(f"{ELLIPSIS} {len(text.split()):,} words in all")
    if shown.filled and shown.ids:
        notes.append(f"{len(shown.ids):,} ids, filled up by {shown.filled:,} zeros")
    if notes:
        found.append(said(cut(" · ".join(notes), width), Tone.QUIET))
    return found


def _row(shown: Row, width: int) -> list[Line]:
    names = shown.names if len(shown.names) == len(shown.values) else ()
    cells = [
        f"{one_line(names[at])} {_cell(value)}" if names else _cell(value)
        for at, value in enumerate(shown.values)
    ]
    if shown.left_out:
        cells.append(f"{ELLIPSIS} {shown.left_out:,} more")
    lines = textwrap.wrap("  ".join(cells), max(8, width)) or ["nothing"]
    return [said(cut(line, width)) for line in lines[:_MOST_TEXT]]
