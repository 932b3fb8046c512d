"""Turns curves and a size into lines of a chart; the one place that speaks to plotext.

Pure: it knows parts of a chart (`Part`), not colours, so that the screen can style them by its theme.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kflab.tui.axes import Axis, epoch_axis, log_axis, short_number, value_axis
from kflab.tui.curve_marks import Mark, marked
from kflab.tui.lines import Line, Part, Run, blank, cut_inside, fitted, width_of
from kflab.tui.reduce import Envelope, Segment

LEAST_WIDTH, LEAST_HEIGHT = 12, 4
"""The smallest plot worth drawing; below it, the legend alone is shown."""

LABEL_WIDTH = 5
"""Room for the labels of the y axis, always taken so that the plot does not move."""


class Role(enum.Enum):
    """Which split a curve was measured on."""

    TRAIN = Part.TRAIN
    VALIDATION = Part.VALIDATION


class Series(NamedTuple):
    """A curve of a chart.

    Attributes:
        role: which split it was measured on.
        pieces: its points, in one or several pieces that follow each other.
        last: the value to show in words; it may be NaN.
    """

    role: Role
    pieces: tuple[Envelope, ...]
    last: float


class Marks(NamedTuple):
    """The characters that a chart is drawn with.

    Attributes:
        train: plotext's marker of the training curve.
        validation: plotext's marker of the line of the validation curve.
        point: the mark set on points of the validation curve, which tells it from the other without colour.
        legend: what stands for each curve in the legend.
        ascii: whether the axes are drawn in plain ASCII too.
    """

    train: str
    validation: str
    point: str
    legend: dict[Role, str]
    ascii: bool


BRAILLE = Marks("braille", "braille", "●", {Role.TRAIN: "⠤⠤", Role.VALIDATION: "⠤●"}, ascii=False)
PLAIN = Marks(".", "-", "o", {Role.TRAIN: "..", Role.VALIDATION: "-o"}, ascii=True)

_TO_ASCII = str.maketrans("│┤┴┬└─┼├", "|++++-++")
_ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


class Chart(NamedTuple):
    """A drawn chart: its lines, and the y axis to hand over to the next drawing."""

    lines: tuple[Line, ...]
    axis: Axis | None


def draw(
    title: str,
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    epochs: int = 0,
    ended: bool = False,
    log: bool = False,
    marks: Marks = BRAILLE,
    before: Axis | None = None,
    events: Sequence[Mark] = (),
) -> Chart:
    """Draws curves over epochs, under a legend with their last values.

    Args:
        title: the name of the quantity.
        series: its curves, at most one of each role; x is in epochs.
        width: columns of the whole chart.
        height: lines of the whole chart, the legend's included.
        epochs: how many epochs were asked for; 0 where that is not known.
        ended: whether the run has ended and nothing more can come.
        log: a logarithmic y axis; refused, and said so in the legend, where nothing is positive.
        marks: the characters to draw with.
        before: the y axis of the last drawing of the same chart, kept while the values fit.
        events: what happened to the run, to be marked.
    """
    if width < 1 or height < 1:
        return Chart((), before)
    bounds = _bounds(series, positive=log)
    refused = log and bounds is None and _bounds(series) is not None
    if refused:
        log, bounds = False, _bounds(series)
    head = legend(
        title, series, width, marks, note="no log: nothing positive" if refused else "log" if log else ""
    )
    plot_height = height - 1
    if width < LEAST_WIDTH or plot_height < LEAST_HEIGHT:
        return Chart((head, *(blank(width),) * plot_height), before)
    columns = width - LABEL_WIDTH - 1
    reached = max(
        (piece.xs[len(piece) - 1] for item in series for piece in item.pieces if piece), default=0.0
    )
    x_axis = epoch_axis(reached, epochs, columns, ended=ended)
    room = max(2, (plot_height - 2) // 2)
    if bounds is None:
        y_axis, kept = value_axis(0.0, 1.0, room), before
        y_axis = y_axis._replace(labels=tuple("" for _ in y_axis.ticks))
    elif log:
        y_axis, kept = log_axis(*bounds, room), before
    else:
        y_axis = kept = value_axis(*bounds, room, before)
    plot = tuple(_plot(series, x_axis, y_axis, width, plot_height, log=log, marks=marks))
    if events:
        plot = marked(plot, events, x_axis, LABEL_WIDTH + 1, plain=marks.ascii)
    return Chart((head, *plot), kept)


def _bounds(series: Sequence[Series], *, positive: bool = False) -> tuple[float, float] | None:
    """The lowest and highest value of all curves; with `positive`, none unless something is above 0."""
    found = [bounds for item in series for piece in item.pieces if (bounds := piece.bounds())]
    if not found:
        return None
    low, high = min(bounds[0] for bounds in found), max(bounds[1] for bounds in found)
    if positive and low <= 0:
        # The lowest positive value has no index; that of a few hundred columns is good enough for an axis.
        ends = [piece.xs[len(piece) - 1] for item in series for piece in item.pieces if piece]
        pieces = [piece.reduce(0.0, max(ends), 500) for item in series for piece in item.pieces]
        values = [y for segments in pieces for _, ys in segments for y in ys if y > 0]
        return (min(values), high) if values else None
    return low, high


def legend(title: str, series: Sequence[Series], width: int, marks: Marks, note: str = "") -> Line:
    """The line above a chart: the name, and each curve's mark and last value, in as many words as fit."""
    names = {Role.TRAIN: ("train ", "", "", ""), Role.VALIDATION: ("validation ", "val ", "", "")}
    for words in range(4):
        runs = [Run(title, Part.TITLE)]
        for item in series:
            mark = marks.legend[item.role][-1 if words == 3 else 0 :]
            text = f"{mark} {names[item.role][words]}{short_number(item.last)}"
            part = Part(item.role.value) if math.isfinite(item.last) else Part.WARNING
            runs += [Run("  ", Part.EMPTY), Run(text, part)]
        if note and words == 0:
            runs += [Run("  ", Part.EMPTY), Run(note, Part.LABEL)]
        if width_of(runs) <= width:
            break
    else:
        # Not even the shortest fits: the values matter more than the end of a long name.
        free = width - (width_of(runs) - len(title))
        runs[0] = Run(cut_inside(title, max(4, free)), Part.TITLE)
    return fitted(runs, width)


def _plot(
    series: Sequence[Series], x_axis: Axis, y_axis: Axis, width: int, height: int, *, log: bool, marks: Marks
) -> Iterator[Line]:
    """The plot itself, by plotext."""
    # Imported at the first drawing: it takes 0.15 s that the first screen should not wait for.
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    # The figure is plotext's only one and lives in its module: nothing of an earlier chart may stay in it.
    figure.clear()
    figure.canvas("default")
    figure.plot_size(width, height)
    frame, label = plotext.pixel(foreground=int(Part.FRAME)), plotext.pixel(foreground=int(Part.LABEL))
    figure.axes(False, axis=[0, 1], side=1)
    figure.axes(True, pixel=frame, axis=[0, 1], side=0)
    figure.legend(False)
    # A label of spaces is no label to plotext, and the plot would move; an empty matrix holds its place.
    nothing = plotext.matrix(LABEL_WIDTH, 1)
    values = [text.rjust(LABEL_WIDTH)[:LABEL_WIDTH] if text else nothing for text in y_axis.labels]
    for name, side, axis, labels in (
        ("x", "lower", x_axis, list(x_axis.labels)),
        ("y", "left", y_axis, values),
    ):
        ruler = figure.ruler(name, side)
        ruler.alignment(lim="edge").lim(axis.low, axis.high).ticks(list(axis.ticks), labels).pixel(label)
    columns = width - LABEL_WIDTH - 1
    dots = columns * (1 if marks.ascii else 2)
    for item in sorted(series, key=lambda item: item.role.value):
        pixel = plotext.pixel(foreground=int(item.role.value))
        line = marks.train if item.role is Role.TRAIN else marks.validation
        reduced = [
            segment for piece in item.pieces for segment in piece.reduce(x_axis.low, x_axis.high, dots)
        ]
        segments = [_logarithms(segment) for segment in reduced] if log else reduced
        for xs, ys in segments:
            figure.draw(figure.signal(xs, ys, marker=plotext.marker(line, pixel)).lines(True))
        if item.role is Role.VALIDATION:
            xs, ys = _spaced(segments, (x_axis.high - x_axis.low) / columns)
            if xs:
                figure.draw(figure.signal(xs, ys, marker=plotext.marker(marks.point, pixel)))
    drawn = figure.build().string()
    figure.clear()
    lines = drawn.split("\n")[:height]
    for text in lines + [""] * (height - len(lines)):
        yield fitted(list(_runs(text.translate(_TO_ASCII) if marks.ascii else text)), width)


def _logarithms(segment: Segment) -> Segment:
    """The segment on a logarithmic axis; values that have no logarithm are left out."""
    points = [(x, math.log10(y)) for x, y in zip(*segment, strict=True) if y > 0]
    return [x for x, _ in points], [y for _, y in points]


def _spaced(segments: Sequence[Segment], column: float) -> Segment:
    """The points to be marked: every one that is four columns from the one before it, and the last."""
    xs: list[float] = []
    ys: list[float] = []
    last = None
    for x, y in ((x, y) for segment in segments for x, y in zip(*segment, strict=True)):
        last = x, y
        if not xs or x - xs[-1] >= 4 * column:
            xs.append(x)
            ys.append(y)
    if last and last[0] != xs[-1]:
        xs.append(last[0])
        ys.append(last[1])
    return xs, ys


def _runs(text: str) -> Iterator[Run]:
    """The pieces of a line of plotext with the part each is painted as."""
    part, place = Part.EMPTY, 0
    for match in _ESCAPE.finditer(text):
        if match.start() > place:
            yield Run(text[place : match.start()], part)
        place = match.end()
        codes = match[1].split(";")
        if codes[:2] == ["38", "5"]:
            part = Part(int(codes[2]))
        elif codes[0] in {"", "0"}:
            part = Part.EMPTY
    if place < len(text):
        yield Run(text[place:], part)
