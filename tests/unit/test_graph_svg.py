"""A graph as a drawing: boxes that do not overlap, edges that pass none of them, valid XML."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kflab import catalog, presets
from kflab.graph.folding import Folding, all_calls
from kflab.graph.history import History
from kflab.graph.layered import Layered, layered
from kflab.graph.svg import Box, svg
from kflab.tui.graph_boxes import boxes_of, title_of
from kflab.tui.graph_view import view_of
from kflab.tui.session import Session
from tests.bench.graphs import residual

SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def boxes(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[list[int]]]:
    count = draw(st.integers(1, 14))
    sizes = [(float(draw(st.integers(40, 300))), float(draw(st.integers(20, 90)))) for _ in range(count)]
    fed_by = [
        draw(st.lists(st.integers(0, at - 1), max_size=3, unique=True)) if at else [] for at in range(count)
    ]
    return sizes, fed_by


def frame(drawn: Layered, sizes: list[tuple[float, float]], at: int) -> tuple[float, float, float, float]:
    (x, y), (width, height) = drawn.centers[at], sizes[at]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


@settings(max_examples=80)
@given(boxes())
def test_boxes_do_not_overlap_and_edges_lead_down_past_them(
    given_boxes: tuple[list[tuple[float, float]], list[list[int]]],
) -> None:
    sizes, fed_by = given_boxes
    drawn = layered(sizes, fed_by)
    frames = [frame(drawn, sizes, at) for at in range(len(sizes))]
    for left, top, right, bottom in frames:
        assert left >= -0.01
        assert top >= -0.01
        assert right <= drawn.width + 0.01
        assert bottom <= drawn.height + 0.01
    for one, other in itertools.combinations(frames, 2):
        assert one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
    assert set(drawn.routes) == {(source, at) for at, sources in enumerate(fed_by) for source in sources}
    for (source, at), points in drawn.routes.items():
        assert points[0][1] == frames[source][3]
        assert points[-1][1] == frames[at][1]
        assert all(upper[1] <= lower[1] for upper, lower in itertools.pairwise(points))
        for (x, y), (to_x, to_y) in itertools.pairwise(points):
            for left, top, right, bottom in frames:
                beside = bottom <= y + 0.01 or to_y <= top + 0.01
                # It only turns between two layers; where it goes straight down there is no box.
                assert beside or (x == to_x and not left < x < right)


@pytest.mark.parametrize("preset", presets.names())
def test_every_preset_is_drawn_with_all_that_is_in_it(preset: str) -> None:
    from kflab import document

    experiment = document.read(presets.path(preset))
    calls = frozenset(all_calls(experiment.model, experiment.models))
    session = Session(history=History(experiment)).folded_to(Folding(opened=calls))
    view = view_of(session, with_selection=False)
    text = svg(title_of(view), boxes_of(view, catalog.load()))
    assert text == svg(title_of(view), boxes_of(view, catalog.load()))
    root = ElementTree.fromstring(text)
    said = [element.text for element in root.iter(f"{SVG}text")]
    assert all(line.node in said for line in session.picture.lines)
    edges = [element for element in root.iter(f"{SVG}path") if element.get("class") == "edge"]
    assert len(edges) == sum(len(line.inputs) for line in session.picture.lines)


def test_words_that_look_like_markup_are_only_words() -> None:
    text = svg("a < b & c", [Box("x", '<script>alert("x")</script>'), Box("y", "y", inputs=("x",))])
    root = ElementTree.fromstring(text)
    assert not list(root.iter(f"{SVG}script"))
    assert '<script>alert("x")</script>' in [element.text for element in root.iter(f"{SVG}text")]


def test_a_folded_block_is_a_pile_and_a_model_of_nothing_is_drawn_too() -> None:
    session = Session(history=History(residual(200))).folded_to(Folding(folded=True))
    view = view_of(session)
    drawn = boxes_of(view, catalog.load())
    pile = next(box for box in drawn if box.repeats == 3)
    assert svg("", [pile]).count('class="box"') == 3
    ElementTree.fromstring(svg("empty", []))


def test_the_command_line_writes_a_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from kflab.cli import run

    file = tmp_path / "graph.svg"
    assert run(["graph", "digits_autoencoder", "--no-shapes", "--open", "-o", str(file)]) == 0
    root = ElementTree.parse(file).getroot()
    assert "edges" in [element.text for element in root.iter(f"{SVG}text")]
    assert "15 boxes" in capsys.readouterr().out
    assert run(["graph", "digits_mlp", "--no-shapes", "-o", str(tmp_path / "graph.png")]) == 2
    assert ".svg" in capsys.readouterr().err
    assert run(["graph", "digits_mlp", "--no-shapes", "-o", str(tmp_path / "no" / "graph.svg")]) == 2


def test_the_command_line_prints_what_the_lab_shows(capsys: pytest.CaptureFixture[str]) -> None:
    from kflab.cli import run

    assert run(["graph", "digits_autoencoder", "--no-shapes", "--open", "--width", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 50
    assert any("encoder ▾" in line for line in lines)
    assert run(["graph", "digits_autoencoder", "--no-shapes", "--model", "encoder", "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert "MaxPooling2D" in out
    assert run(["graph", "digits_autoencoder", "--no-shapes", "--model", "enkoder"]) == 2
    assert "encoder" in capsys.readouterr().err
