"""The overview of a dataset: what it holds, its figures, its classes, how its values are distributed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from kflab.catalog.profiles import ArrayProfile, Profile
from kflab.pictures.bars import class_bars, histogram
from kflab.pictures.cells import Line, Piece, Tone, beside, cut, one_line, said
from kflab.pictures.style import Style
from kflab.pictures.tables import array_table, column_table

_HISTOGRAM_WIDTH, _HISTOGRAM_HEIGHT = 36, 6
_MOST_COLUMNS = 40


def overview(profile: Profile, style: Style, *, most_columns: int = _MOST_COLUMNS) -> list[Line]:
    """Everything but samples, as lines at most `style.width` wide.

    Args:
        profile: what was seen.
        style: how it is drawn.
        most_columns: how many columns of a table get a row each.
    """
    lines = [*heading(profile, style), ()]
    raw, fed = list(profile.raw.values()), list(profile.fed.values())
    lines += [said("as the source has it", Tone.TITLE), *_table(raw, style)]
    if differs(raw, fed):
        lines += [(), said("as the model gets it", Tone.TITLE), *_table(fed, style)]
    for array in raw:
        if array.columns:
            lines += _columns(array, style, most_columns)
    for target in profile.info.targets:
        lines += _classes(profile, target.name, style)
    return [*lines, *histograms(profile, style)]


def heading(profile: Profile, style: Style) -> list[Line]:
    """What the dataset is, and how many samples each split has."""
    info = profile.info
    name = one_line(info.name)
    counts = [f"{profile.train:,} to train on"] if profile.train else []
    counts += [f"{profile.validation:,} to validate on"] if profile.validation else []
    counts += [f"{profile.test:,} to test on"] if profile.test else []
    looked = min((array.samples for array in profile.raw.values()), default=0)
    if profile.is_sampled:
        counts.append(f"figures of a sample of {looked:,}")
    if not any(array.missing or array.infinite for array in profile.raw.values()):
        counts.append("nothing missing")
    text = " · ".join(counts)
    head = cut(name + f": {one_line(info.summary)}", style.width)
    first = (Piece(head[: len(name)], tone=Tone.TITLE), Piece(head[len(name) :]))
    lines = [first, *(said(line, Tone.QUIET) for line in textwrap.wrap(text, style.width))]
    problem = one_line(profile.problem or info.unusable)
    return [*lines, *(said(line, Tone.ERROR) for line in textwrap.wrap(problem, style.width))]


def differs(raw: Sequence[ArrayProfile], fed: Sequence[ArrayProfile]) -> bool:
    """Whether preparation changes more than how many samples there are."""
    own = {one.name: one for one in raw}
    if {one.name for one in fed} != set(own):
        return True
    return any(
        one.shape != own[one.name].shape
        or (one.dtype != own[one.name].dtype and one.dtype not in ("float32", "int32"))
        or _moved(own[one.name], one)
        for one in fed
    )


def _moved(raw: ArrayProfile, fed: ArrayProfile) -> bool:
    """Whether values were scaled: those of a part of the samples lie within those of all."""
    if raw.low is None or raw.high is None or fed.low is None or fed.high is None:
        return (raw.low is None) != (fed.low is None)
    edge = 1e-6 * max(1.0, abs(raw.low), abs(raw.high))
    if fed.low < raw.low - edge or fed.high > raw.high + edge:
        return True
    span, now = raw.high - raw.low, fed.high - fed.low
    return span > 0 and now < span / 4


def _table(arrays: Sequence[ArrayProfile], style: Style) -> list[Line]:
    return array_table(arrays, style.width, plain=style.plain)


def _columns(array: ArrayProfile, style: Style, most: int) -> list[Line]:
    shown = array.columns[:most]
    title = f"columns of {one_line(array.name)}"
    lines: list[Line] = [(), said(cut(title, style.width), Tone.TITLE)]
    lines += column_table(shown, style.width, plain=style.plain)
    left = len(array.columns) - len(shown)
    return [*lines, said(f"and {left:,} more", Tone.QUIET)] if left > 0 else lines


def _classes(profile: Profile, name: str, style: Style) -> list[Line]:
    array = profile.raw.get(name)
    if array is None or not array.classes:
        return []
    validation = profile.validation_classes.get(name, ())
    title = f"classes of {one_line(name)}: {len(array.classes):,}"
    more = ", at the end those to validate on"
    if validation and len(title + more) <= style.width:
        title += more
    bars = class_bars(array.classes, style.width, style.depth, validation=validation, plain=style.plain)
    return [(), said(cut(title, style.width), Tone.TITLE), *bars]


def histograms(profile: Profile, style: Style) -> list[Line]:
    """The distribution of each array's numbers, as many side by side as there is room for."""
    drawn: list[list[Line]] = []
    width = min(_HISTOGRAM_WIDTH, style.width)
    for array in profile.raw.values():
        bins, what = (array.lengths, "words of") if array.lengths else (array.histogram, "values of")
        # Columns have a distribution each; mixed, they tell nothing.
        if array.classes or array.columns or len(bins) < 2:
            continue
        bars = histogram(bins, width, _HISTOGRAM_HEIGHT, plain=style.plain)
        drawn.append([said(cut(f"{what} {one_line(array.name)}", width), Tone.TITLE), *bars])
    across = max(1, (style.width + 3) // (width + 3))
    lines: list[Line] = []
    for start in range(0, len(drawn), across):
        block = drawn[start : start + across]
        lines += [(), *beside(block, [width] * len(block), gap=3)]
    return lines
