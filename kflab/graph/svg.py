"""A graph as a drawing in SVG: a box for each node, a frame around what is inside a nested model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import msgspec

from kflab.graph.layered import Layered, layered

_LETTER = 7.25
_LINE = 15.0
_PADDING = 9.0
_MARGIN = 24.0
_FRAME = 16.0
_STACK = 4.0

_STYLE = """
  .page { fill: #ffffff }
  .box { fill: #f7f9fa; stroke: #8a979f; stroke-width: 1.2 }
  .input { fill: #e4f3f0; stroke: #0f766e }
  .output { fill: #e4f3f0; stroke: #0f766e; stroke-width: 2.4 }
  .frame { fill: #0f766e; fill-opacity: 0.04; stroke: #0f766e; stroke-dasharray: 5 3 }
  .error { stroke: #b42334; stroke-width: 2.4 }
  .warning { stroke: #9a6700; stroke-width: 2.4 }
  .edge { fill: none; stroke: #8a979f; stroke-width: 1.3 }
  .head { fill: #8a979f }
  text { font: 12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1d2529 }
  .name { font-weight: bold }
  .quiet { fill: #5b6770 }
  .end { text-anchor: end }
  @media (prefers-color-scheme: dark) {
    .page { fill: #101417 }
    .box { fill: #1a2025; stroke: #7d8a92 }
    .input, .output { fill: #16302e; stroke: #5fb8a8 }
    .frame { fill: #5fb8a8; stroke: #5fb8a8 }
    .error { stroke: #e5707a }
    .warning { stroke: #d9a94e }
    .edge { stroke: #7d8a92 }
    .head { fill: #7d8a92 }
    text { fill: #d3dade }
    .quiet { fill: #94a1a9 }
  }
"""


class Box(msgspec.Struct, frozen=True):
    """A node as it is drawn.

    Attributes:
        key: what others call it.
        name: the first line.
        layer: the second line.
        count: at the end of the first line: its parameters.
        shape: at the end of the second line: its shape.
        kind: `input`, `output`, `error`, `warning`, or more of them with blanks between.
        inputs: the keys of the boxes that feed it; those that are not drawn are left out.
        repeats: how often it is there; more than once looks like a pile.
        inside: what is drawn inside of it, where it is a nested model that is open.
    """

    key: str
    name: str
    layer: str = ""
    count: str = ""
    shape: str = ""
    kind: str = ""
    inputs: tuple[str, ...] = ()
    repeats: int = 1
    inside: tuple[Box, ...] = ()


def svg(title: str, boxes: Sequence[Box]) -> str:
    """The drawing as a document of SVG.

    Args:
        title: what stands above it.
        boxes: the boxes, each after all that feed it.
    """
    drawn = _Drawn(boxes)
    top = _MARGIN + _LINE + 8
    width = max(drawn.width, len(title) * _LETTER) + 2 * _MARGIN
    height = drawn.height + top + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" role="img">',
        f"<title>{_text(title)}</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="head" d="M0 0.6 L8 4 L0 7.4 z"/></marker></defs>',
        f'<rect class="page" width="{_n(width)}" height="{_n(height)}"/>',
        f'<text class="name" x="{_n(_MARGIN)}" y="{_n(_MARGIN + 8)}">{_text(title)}</text>',
        *drawn.lines((width - drawn.width) / 2, top),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


class _Drawn:
    """Boxes in their places."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = boxes
        self._inner = [_Drawn(box.inside) if box.inside else None for box in boxes]
        self._sizes = [_size(box, inner) for box, inner in zip(boxes, self._inner, strict=True)]
        at = {box.key: index for index, box in enumerate(boxes)}
        fed_by = [
            [at[key] for key in dict.fromkeys(box.inputs) if at.get(key, index) < index]
            for index, box in enumerate(boxes)
        ]
        self._layout: Layered = layered(self._sizes, fed_by)
        self.width, self.height = self._layout.width, self._layout.height

    def lines(self, left: float, top: float) -> Iterator[str]:
        """The elements, with the drawing's corner at some place."""
        for (source, taker), points in self._layout.routes.items():
            moved = [(x + left, y + top) for x, y in points]
            names = f"<title>{_text(f'{self._boxes[source].key} → {self._boxes[taker].key}')}</title>"
            yield f'<path class="edge" marker-end="url(#head)" d="{_path(moved)}">{names}</path>'
        for index, box in enumerate(self._boxes):
            x, y = self._layout.centers[index]
            width, height = self._sizes[index]
            yield from self._box(
                box, self._inner[index], x - width / 2 + left, y - height / 2 + top, width, height
            )

    @staticmethod
    def _box(
        box: Box, inner: _Drawn | None, x: float, y: float, width: float, height: float
    ) -> Iterator[str]:
        yield "<g>"
        kind = f"frame {box.kind}" if inner else f"box {box.kind}"
        pile = min(box.repeats - 1, 2)
        width, height = width - pile * _STACK, height - pile * _STACK
        for back in range(pile, -1, -1):
            yield (
                f'<rect class="{kind.strip()}" x="{_n(x + back * _STACK)}" y="{_n(y + back * _STACK)}" '
                f'width="{_n(width)}" height="{_n(height)}" rx="5"/>'
            )
        first, second = y + _PADDING + 9, y + _PADDING + 9 + _LINE
        start, end = x + _PADDING, x + width - _PADDING
        for words, style, at, line in (
            (box.name, "name", start, first),
            (box.count, "quiet end", end, first),
            (box.layer, "quiet", start, second),
            (box.shape, "end", end, second),
        ):
            if words:
                yield f'<text class="{style}" x="{_n(at)}" y="{_n(line)}">{_text(words)}</text>'
        if inner is not None:
            above = 2 * _LINE + 2 * _PADDING
            yield from inner.lines(x + (width - inner.width) / 2, y + above)
        yield "</g>"


def _size(box: Box, inner: _Drawn | None) -> tuple[float, float]:
    longest = max(
        len(left) + (len(right) + 2 if right else 0)
        for left, right in ((box.name, box.count), (box.layer, box.shape))
    )
    pile = min(box.repeats - 1, 2) * _STACK
    width = longest * _LETTER + 2 * _PADDING + pile
    height = 2 * _LINE + 2 * _PADDING - 6 + pile
    if inner is None:
        return width, height
    return max(width, inner.width + 2 * _FRAME), height + inner.height + _FRAME + 6


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A line through points that leaves and reaches each from above."""
    (x, y), *rest = points
    drawn = [f"M{_n(x)} {_n(y)}"]
    for to_x, to_y in rest:
        if abs(to_x - x) < 0.5:
            drawn.append(f"L{_n(to_x)} {_n(to_y)}")
        else:
            half = _n((y + to_y) / 2)
            drawn.append(f"C{_n(x)} {half} {_n(to_x)} {half} {_n(to_x)} {_n(to_y)}")
        x, y = to_x, to_y
    return " ".join(drawn)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _text(words: str) -> str:
    return escape(words, quote=True)
