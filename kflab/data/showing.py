"""What can be drawn of an array's value in one sample: a picture, words, a row of numbers, curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from kflab.catalog.looks import Curves, Picture, Row, Shown, Words
from kflab.data.arrays import Array
from kflab.data.figures import is_gap

MOST_NUMBERS = 64
"""Numbers of a row that are shown; of more, the first ones."""

_MOST_WORDS = 2_000
_MOST_LETTERS = 20_000
_MOST_STEPS = 400
_MOST_LINES = 6
_LEAST_SIDE = 6
_CURVE_AT = 24
_HOT_AT = 100


class Column(NamedTuple):
    """A column of a table among the entries of a row of numbers.

    Attributes:
        name: what it is called.
        first: its first entry.
        categories: the category that each of its entries stands for; none for a number.
    """

    name: str
    first: int
    categories: tuple[str, ...] = ()

    def cell(self, value: Array) -> float | str | None:
        """What stands in the column of a row; None where it is missing, or in no category."""
        if not self.categories:
            return _number(value[self.first])
        own = value[self.first : self.first + len(self.categories)]
        at = np.flatnonzero(own == 1)
        return self.categories[int(at[0])] if len(at) == 1 else None


def columns_of(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns behind the entries of a row: those named `city=Rome` and `city=Oslo` are one."""
    found: list[Column] = []
    for at, name in enumerate(names):
        column, sign, category = name.partition("=")
        last = found[-1] if found else None
        if sign and last is not None and last.categories and last.name == column:
            found[-1] = last._replace(categories=(*last.categories, category))
        else:
            found.append(Column(column, at, (category,)) if sign else Column(name, at))
    return tuple(found)


class Way:
    """How the values of one array are shown.

    Args:
        low: the least value of the array: black.
        high: the greatest value: white.
        ids: whether it holds the ids of words.
        names: the names of its columns.
        words: the word of each id, where they are known.
        side: the most pixels of a side of an image.
    """

    def __init__(
        self,
        low: float | None,
        high: float | None,
        *,
        ids: bool = False,
        names: Sequence[str] = (),
        words: Mapping[int, str] | None = None,
        side: int = 64,
    ) -> None:
        self._black, self._white = shades(low, high)
        self._is_binary = low == 0 and high == 1
        self._ids, self._names, self._words, self._side = ids, tuple(names), words or {}, side
        self._columns = columns_of(self._names)

    def show(self, value: Array) -> Shown:
        """What is drawn of one sample's value."""
        value = np.asarray(value)
        if value.dtype.kind in "OUST":
            return self._of_texts(value)
        if value.ndim == 0:
            return Row((_number(value),), self._names)
        if value.ndim == 1:
            return self._of_line(value)
        if value.ndim == 2:
            return self._picture(value) if min(value.shape) >= _LEAST_SIDE else _curves(value)
        return self._picture(_one_image(value))

    def _of_texts(self, value: Array) -> Shown:
        flat = value.reshape(-1)
        if value.ndim == 0 or len(flat) == 1:
            text = flat[0]
            return Words("" if is_gap(text) else str(text)[:_MOST_LETTERS])
        shown = tuple(None if is_gap(one) else str(one) for one in flat[:MOST_NUMBERS])
        return Row(shown, self._names[:MOST_NUMBERS], max(0, len(flat) - MOST_NUMBERS))

    def _of_line(self, value: Array) -> Shown:
        if self._ids:
            return self._of_ids(value)
        if self._is_binary and len(value) >= _HOT_AT:
            return self._of_ids(np.flatnonzero(value))
        if not self._names and len(value) > _CURVE_AT and not self._is_binary:
            return _curves(value[:, None])
        columns = self._columns if len(self._names) == len(value) else ()
        if not columns:
            shown = tuple(_number(one) for one in value[:MOST_NUMBERS])
            return Row(shown, self._names[:MOST_NUMBERS], max(0, len(value) - MOST_NUMBERS))
        cells = tuple(column.cell(value) for column in columns[:MOST_NUMBERS])
        return Row(
            cells,
            tuple(column.name for column in columns[:MOST_NUMBERS]),
            max(0, len(columns) - MOST_NUMBERS),
        )

    def _of_ids(self, value: Array) -> Words:
        ids = [int(number) for number in value if number != 0]
        known = (self._words.get(number, f"#{number}") for number in ids[:_MOST_WORDS])
        text = " ".join(known) if self._words else ""
        return Words(text, tuple(ids[:_MOST_WORDS]), len(value) - len(ids))

    def _picture(self, value: Array) -> Picture:
        pixels = value if value.ndim == 3 else value[..., None]
        if pixels.shape[-1] not in (1, 3):
            pixels = pixels[..., :3] if pixels.shape[-1] == 4 else pixels[..., :1]
        span = self._white - self._black
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (pixels.astype("float64") - self._black) * (255 / span if span > 0 else 0)
        levels = np.clip(np.nan_to_num(scaled, nan=0, posinf=255, neginf=0), 0, 255).round().astype("uint8")
        grey = levels.shape[-1] == 1
        image = Image.fromarray(levels[..., 0] if grey else levels)
        most = max(image.size)
        if most > self._side:
            size = tuple(max(1, round(side * self._side / most)) for side in image.size)
            image = image.resize((size[0], size[1]), Image.Resampling.BOX)
        return Picture(image.width, image.height, 1 if grey else 3, image.tobytes())


def shades(low: float | None, high: float | None) -> tuple[float, float]:
    """The values that are black and white in an array whose values go from `low` to `high`.

    They are those of the usual scale that the values lie in, so that dark images stay dark: 0 to 1, -1 to 1
    or 0 to 255; else the array's own.
    """
    if low is None or high is None:
        return 0.0, 1.0
    for black, white in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if low >= black and high <= white:
            return black, white
    return low, high


def _one_image(value: Array) -> Array:
    """An image out of a volume or a film: the one in the middle."""
    while value.ndim > 3:
        value = value[len(value) // 2]
    return value


def _number(value: Array) -> float | None:
    number = float(value)
    return None if math.isnan(number) else number


def _curves(value: Array) -> Curves:
    steps = len(value)
    every = max(1, -(-steps // _MOST_STEPS))
    lines = tuple(
        tuple(None if not math.isfinite(one) else float(one) for one in value[::every, line].tolist())
        for line in range(min(value.shape[1], _MOST_LINES))
    )
    return Curves(lines, steps, max(0, value.shape[1] - _MOST_LINES))
