"""A confusion matrix in cells, and what follows from it class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from kflab.pictures.cells import RGB, Line, Piece, Tone, cut, one_line, said
from kflab.pictures.numbers import share_text
from kflab.pictures.palette import Depth, of_depth
from kflab.pictures.style import Style
from kflab.pictures.tables import aligned
from kflab.predict.results import OutputResult

_MARKS, _PLAIN_MARKS = " ░▒▓█", " .:*#"
_RIGHT: RGB = (40, 110, 170)
_WRONG: RGB = (190, 95, 20)
_DARK: RGB = (26, 28, 34)
_INK: RGB = (245, 245, 245)
_MOST_LABEL = 14
_FEW_CLASSES = 5  # that are listed though no sample is of them
_HEADS = (10, 6, 3)


class Cell(NamedTuple):
    """A cell of the matrix: the class that samples are of, and the one that was predicted."""

    true: int
    predicted: int


def matrix(output: OutputResult, style: Style, cursor: Cell | None = None) -> list[Line]:
    """The matrix: a row for each class that samples are of, a column for each that was predicted.

    A cell is shaded by its share of its row. What has no room beside the others is left out on the side
    that is away from the cursor.

    Args:
        output: an output with a matrix.
        style: how it is drawn.
        cursor: the cell that is chosen.
    """
    labels = [one_line(label) for label in output.labels]
    count = len(labels)
    row_width, each = _widths(output, style.width)
    room = max(1, (style.width - row_width - 1) // each)
    first, last = _window(count, room, cursor.predicted if cursor else 0)
    title = "predicted → " + (f"{first + 1}–{last} of {count}" if last - first < count else "")
    lines: list[Line] = [said(cut(" " * (row_width + 1) + title.rstrip(), style.width), Tone.QUIET)]
    heads = [
        Piece(
            " " * (each - 1 - min(cell_len(labels[at]), each - 2)) + cut(labels[at], each - 2) + " ",
            tone=Tone.ACCENT if cursor and cursor.predicted == at else Tone.QUIET,
        )
        for at in range(first, last)
    ]
    lines.append((Piece(f"{'true':<{row_width}} ", tone=Tone.QUIET), *heads))
    for true, row in enumerate(output.matrix):
        whole = sum(row)
        label = cut(labels[true], row_width)
        name = label + " " * (row_width - cell_len(label) + 1)
        is_there = cursor is not None and cursor.true == true
        pieces = [Piece(name, tone=Tone.ACCENT if is_there else Tone.QUIET)]
        for predicted in range(first, last):
            chosen = is_there and cursor is not None and cursor.predicted == predicted
            share = row[predicted] / whole if whole else 0.0
            pieces.append(
                _cell(row[predicted], share, each, style, is_right=true == predicted, is_chosen=chosen)
            )
        lines.append(tuple(pieces))
    return lines


def _widths(output: OutputResult, width: int) -> tuple[int, int]:
    """The columns of the labels of rows, and of a cell: as wide as its label is, where there is room."""
    longest = max(map(cell_len, output.labels), default=1)
    row_width = max(4, min(longest, _MOST_LABEL, width // 4))
    numbers = max(len(f"{cell:,}") for row in output.matrix for cell in row)
    for head in (longest, *_HEADS):
        each = max(numbers, min(head, longest)) + 2
        if row_width + 1 + len(output.labels) * each <= width:
            break
    return row_width, each


def _window(count: int, room: int, at: int) -> tuple[int, int]:
    """The columns that are shown, the one of the cursor among them."""
    if room >= count:
        return 0, count
    first = max(0, min(at - room // 2, count - room))
    return first, first + room


def _cell(number: int, share: float, width: int, style: Style, *, is_right: bool, is_chosen: bool) -> Piece:
    text = f"{number:,}" if number else "·"
    left, right = ("[", "]") if is_chosen else (" ", " ")
    level = 0 if not number else 1 + min(3, int(share * 4))
    shaded = style.depth in (Depth.MANY, Depth.TRUE) and not style.plain
    if not shaded and not is_chosen:
        right = (_PLAIN_MARKS if style.plain else _MARKS)[level]
    body = f"{left}{text}".rjust(width - 1) + right
    tone = Tone.TITLE if is_chosen else Tone.PLAIN if number else Tone.QUIET
    if not shaded or not number:
        if number and not is_right and not is_chosen:
            tone = Tone.WARNING
        return Piece(body, tone=tone)
    ground = _ground(share, is_right=is_right)
    return Piece(body, of_depth(_INK, style.depth), of_depth(ground, style.depth), tone)


def _ground(share: float, *, is_right: bool) -> RGB:
    strong = _RIGHT if is_right else _WRONG
    # A single confusion among many samples is what one looks for: it is never as dark as none.
    part = 0.25 + 0.75 * min(1.0, share if is_right else share * 2)
    mixed = [round(dark + (full - dark) * part) for dark, full in zip(_DARK, strong, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def scores(output: OutputResult, style: Style) -> list[Line]:
    """Precision, recall and F1 of each class, and their means."""
    if not output.scores:
        return []
    rows = [
        [one_line(score.label), *_figures(score.precision, score.recall, score.f1), f"{score.support:,}"]
        for score in output.scores
        if score.support or score.precision or len(output.scores) <= _FEW_CLASSES
    ]
    known = [score for score in output.scores if score.support]
    if len(known) > 1:
        means = [
            sum(getattr(score, name) for score in known) / len(known)
            for name in ("precision", "recall", "f1")
        ]
        rows.append(["mean", *_figures(*means), f"{sum(score.support for score in known):,}"])
    return aligned(["class", "precision", "recall", "F1", "samples"], rows, style.width)


def _figures(*values: float) -> list[str]:
    return [f"{value:.3f}" for value in values]


def confusions(output: OutputResult, style: Style, most: int = 10) -> list[Line]:
    """The most frequent mistakes: what was taken for what."""
    found = mistakes(output)
    if not found:
        return [said("no sample was taken for another class", Tone.QUIET)]
    rows = []
    for cell in found[:most]:
        number, whole = output.matrix[cell.true][cell.predicted], sum(output.matrix[cell.true])
        rows.append(
            [
                one_line(output.labels[cell.true]),
                one_line(output.labels[cell.predicted]),
                f"{number:,}",
                share_text(number / whole),
            ]
        )
    return aligned(
        ["true", "taken for", "samples", "of its class"], rows, style.width, left=frozenset({0, 1})
    )


def mistakes(output: OutputResult) -> Sequence[Cell]:
    """The cells with mistakes, the most frequent first."""
    found = [
        (number, Cell(true, predicted))
        for true, row in enumerate(output.matrix)
        for predicted, number in enumerate(row)
        if number and true != predicted
    ]
    return [cell for _, cell in sorted(found, key=lambda pair: -pair[0])]


def fits(output: OutputResult, width: int) -> bool:
    """Whether all columns of the matrix fit into some width."""
    if not output.matrix:
        return False
    row_width, each = _widths(output, width)
    return row_width + 1 + len(output.labels) * each <= width
