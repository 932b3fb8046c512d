"""What a model said of samples: figures of each output, and single samples with probabilities as bars."""

from __future__ import annotations

from collections.abc import Sequence

from kflab.catalog.looks import Picture
from kflab.pictures import images, samples
from kflab.pictures.bars import bar
from kflab.pictures.cells import Line, Piece, Tone, beside, cut, one_line, said
from kflab.pictures.confusion import confusions, fits, matrix, scores
from kflab.pictures.dots import Canvas, Plane
from kflab.pictures.numbers import number_text
from kflab.pictures.palette import class_color
from kflab.pictures.style import Style
from kflab.predict.results import Kind, OutputResult, Predictions, Said, SampleResult

_BARS = 5
_ROWS, _FEW_ROWS = 8, 5  # of a picture, and of one that has few pixels
_LEAST_BESIDE = 26
_SCATTER = images.Size(48, 16)
_MOST_VALUES = 6


def heading(predictions: Predictions) -> str:
    """What was predicted, in one line."""
    of = f" of {predictions.of:,}" if predictions.of > predictions.samples else ""
    where = predictions.source or f"{predictions.split} split"
    noun = "sample" if predictions.of == 1 else "samples"
    return f"{predictions.model} model · {predictions.samples:,}{of} {noun} of {where}"


def figures(predictions: Predictions, output: OutputResult) -> str:
    """How good an output is, in one line."""
    several = len(predictions.outputs) > 1
    parts = [one_line(output.name)] if several else []
    if output.accuracy is not None:
        unit = {Kind.TOKENS: " of all places", Kind.LABELS: " of all labels"}.get(output.kind, "")
        parts.append(f"accuracy {output.accuracy:.4f}{unit}")
    if output.values is not None:
        r2 = "" if output.values.r2 is None else f" · R² {output.values.r2:.4f}"
        parts.append(f"MAE {number_text(output.values.mae)} · RMSE {number_text(output.values.rmse)}{r2}")
    if output.error is not None:
        parts.append(f"mean squared error {number_text(output.error)}")
    if len(parts) == int(several):
        shape = "×".join("?" if size is None else str(size) for size in output.shape) or "one number"
        parts.append(f"{output.kind} of shape {shape}; nothing is known to be true")
    return " · ".join(parts)


def overview(predictions: Predictions, style: Style, *, with_matrix: bool = True) -> list[Line]:
    """Everything but the samples."""
    lines: list[Line] = [said(cut(heading(predictions), style.width), Tone.TITLE)]
    for output in predictions.outputs:
        lines += [(), said(cut(figures(predictions, output), style.width))]
        if output.matrix and with_matrix:
            wide = fits(output, style.width)
            lines += [(), *(matrix(output, style) if wide else confusions(output, style))]
        if output.scores:
            lines += [(), *scores(output, style)]
        if output.points:
            lines += [(), *scatter(output, style)]
    return lines


def scatter(output: OutputResult, style: Style, rows: int = _SCATTER.rows) -> list[Line]:
    """Predicted values against true ones; on the dotted line they are the same."""
    columns = min(_SCATTER.columns, style.width - 2)
    canvas = Canvas(columns, rows, plain=style.plain)
    every = [value for pair in output.points for value in pair]
    # Both axes have the same range, so that what is right lies on the diagonal.
    plane = Plane(every, every)
    for at in range(0, canvas.width, 4):
        canvas.dot(at, round((canvas.width - 1 - at) * (canvas.height - 1) / max(1, canvas.width - 1)), 1)
    for true, predicted in output.points:
        x, y = plane.dot(true, predicted, canvas.width, canvas.height)
        for _ in range(2):  # A point weighs more than the line under it.
            canvas.dot(x, y, 0)
    colors = [class_color(0, style.depth), class_color(7, style.depth)]
    low, high = number_text(min(every)), number_text(max(every))
    gap = max(1, columns - len(low) - len(high) - 4)
    foot = cut(f"{low}{'true →':^{gap + 4}}{high}", style.width)
    return [said("predicted ↑", Tone.QUIET), *canvas.lines(colors), said(foot, Tone.QUIET)]


def sample(
    found: SampleResult, outputs: Sequence[OutputResult], style: Style, *, most_bars: int = _BARS
) -> list[Line]:
    """One sample: what it is, what was said of it, and the sample itself beside that."""
    head = _head(found, outputs, style)
    pictures = [shown for shown in found.inputs.values() if isinstance(shown, Picture)]
    pictures += [said_of.shown for said_of in found.outputs.values() if isinstance(said_of.shown, Picture)]
    drawn, side = _pictures(pictures, style)
    beside_it = bool(pictures) and style.width - side - 2 >= _LEAST_BESIDE
    room = style.width - side - 2 if beside_it else style.width
    told: list[Line] = []
    for output in outputs:
        told += _said(found.outputs[output.name], output, style._replace(width=room), most_bars)
    for shown in found.inputs.values():
        if not isinstance(shown, Picture):
            told += [(Piece("  "), *line) for line in samples.show(shown, style._replace(width=room - 2))[:4]]
    if not pictures or not beside_it:
        return [head, *told, *drawn]
    return [head, *beside([drawn, told], [side, room], 2)]


def _pictures(pictures: Sequence[Picture], style: Style) -> tuple[list[Line], int]:
    """Images side by side, as many as there is room for, and the columns that they take."""
    depth = style.depth.NONE if style.plain else style.depth
    blocks: list[list[Line]] = []
    widths: list[int] = []
    for picture in pictures:
        # Letters show one pixel in a cell, half blocks two.
        is_small = picture.height <= 2 * _FEW_ROWS and depth is not style.depth.NONE
        rows = _FEW_ROWS if is_small else _ROWS
        columns = images.size_in(picture, 2 * rows, rows).columns
        if blocks and sum(widths) + len(widths) + columns > style.width:
            break
        blocks.append(images.draw(picture, columns, rows, depth))
        widths.append(columns)
    return beside(blocks, widths, 1), sum(widths) + max(0, len(widths) - 1)


def _head(found: SampleResult, outputs: Sequence[OutputResult], style: Style) -> Line:
    parts = [Piece(f"#{found.index} ", tone=Tone.QUIET)]
    if found.name:
        parts.append(Piece(f"{one_line(found.name)} ", tone=Tone.QUIET))
    for output in outputs:
        said_of = found.outputs[output.name]
        prefix = f"{one_line(output.name)} " if len(outputs) > 1 else ""
        if output.kind is Kind.CLASSES and said_of.predicted is not None:
            predicted = _label(output, said_of.predicted)
            if said_of.true is None:
                parts.append(Piece(f"{prefix}{predicted}  ", tone=Tone.TITLE))
            elif said_of.true == said_of.predicted:
                parts.append(Piece(f"{prefix}{predicted} ✓  ", tone=Tone.TITLE))
            else:
                text = f"{prefix}{_label(output, said_of.true)} taken for {predicted} ✗  "
                parts.append(Piece(text, tone=Tone.ERROR))
        elif said_of.error is not None:
            what = {Kind.TOKENS: "wrong places", Kind.LABELS: "wrong labels"}.get(
                output.kind, "mean squared error"
            )
            parts.append(Piece(f"{prefix}{what} {number_text(said_of.error)}  "))
    width, line = style.width, []
    for piece in parts:
        text = cut(piece.text, width)
        line.append(piece._replace(text=text))
        width -= len(text)
        if width <= 0:
            break
    return tuple(line)


def _said(said_of: Said, output: OutputResult, style: Style, most: int) -> list[Line]:
    if said_of.shares:
        return _bars(said_of, output, style, most)
    lines: list[Line] = []
    if said_of.values:
        for at, value in enumerate(said_of.values[:_MOST_VALUES]):
            true = said_of.true_values[at] if at < len(said_of.true_values) else None
            against = (
                f", true {number_text(true)}, off by {number_text(value - true)}" if true is not None else ""
            )
            lines.append(said(cut(f"  predicted {number_text(value)}{against}", style.width)))
    if said_of.shown is not None and not isinstance(said_of.shown, Picture):
        lines += samples.show(said_of.shown, style._replace(width=min(style.width, 48)))[:_ROWS]
    return lines


def _bars(said_of: Said, output: OutputResult, style: Style, most: int) -> list[Line]:
    """The probabilities as bars, that of what is true marked and never left out."""
    true = {said_of.true} if said_of.true is not None else set(said_of.true_labels)
    shown = list(said_of.shares[:most])
    shown += [pair for pair in said_of.shares[most:] if pair[0] in true]
    labels = [_label(output, number) for number, _ in shown]
    width = min(max(map(len, labels), default=1), max(4, style.width // 3))
    room = max(0, min(30, style.width - width - 12))
    lines: list[Line] = []
    for (number, share), label in zip(shown, labels, strict=True):
        drawn = bar(share, 1.0, room, plain=style.plain)
        tone = Tone.TITLE if number in true else Tone.PLAIN
        is_right = not true or number in true
        lines.append(
            (
                Piece("• " if number in true else "  ", tone=Tone.ACCENT),
                Piece(f"{cut(label, width):<{width}} ", tone=tone),
                Piece(drawn, class_color(0 if is_right else 5, style.depth)),
                Piece(" " * (room - len(drawn) + 1)),
                Piece(f"{share:.4f}", tone=Tone.QUIET),
            )
        )
    return lines


def _label(output: OutputResult, number: int) -> str:
    return one_line(output.labels[number]) if number < len(output.labels) else str(number)
