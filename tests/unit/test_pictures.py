"""What is drawn of data: never wider than asked, right in every depth of colours, plain where it must be."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from kflab.catalog.looks import Curves, Picture, Points, Row, Sample, Words
from kflab.catalog.profiles import ArrayProfile, Bin, ClassCount
from kflab.pictures import asking, bars, dots, graphics, images, palette, samples, surface, tables
from kflab.pictures.ansi import to_text
from kflab.pictures.cells import Line, Piece, beside, fitted, text_of, width_of
from kflab.pictures.graphics import CellSize, Graphics
from kflab.pictures.numbers import number_text, share_text
from kflab.pictures.palette import Depth, depth_of
from kflab.pictures.placing import tiles
from kflab.pictures.style import Style
from kflab.runs.surface import Surface

DEPTHS = list(Depth)
RED, GREEN, BLACK, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 0), (255, 255, 255)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    channels = draw(st.sampled_from([1, 3]))
    seed = draw(st.binary(min_size=1, max_size=16))
    count = width * height * channels
    return Picture(width, height, channels, (seed * (count // len(seed) + 1))[:count])


texts = st.text(max_size=30)
values = st.none() | st.floats(allow_nan=True, allow_infinity=True) | texts
shown = (
    pictures()
    | st.builds(Words, texts, st.lists(st.integers(0, 9999), max_size=300).map(tuple), st.integers(0, 50))
    | st.builds(Row, st.lists(values, min_size=1, max_size=70).map(tuple))
    | st.builds(
        Curves,
        st.lists(
            st.lists(st.none() | st.floats(-1e6, 1e6), max_size=60).map(tuple), min_size=1, max_size=4
        ).map(tuple),
        st.integers(0, 1000),
    )
)
sample = st.builds(
    Sample,
    st.integers(0, 10**7),
    st.fixed_dictionaries({"a": shown}, optional={"b": shown}),
    st.fixed_dictionaries({}, optional={"value": st.builds(Row, st.tuples(values))}),
    st.fixed_dictionaries({}, optional={"class": texts}),
)


def widest(lines: list[Line]) -> int:
    return max((width_of(line) for line in lines), default=0)


@given(pictures(), st.integers(1, 60), st.integers(1, 30), st.sampled_from(DEPTHS))
@settings(max_examples=60, deadline=None)
def test_a_picture_keeps_to_its_room(picture: Picture, columns: int, rows: int, depth: Depth) -> None:
    lines = images.draw(picture, columns, rows, depth)
    assert 1 <= len(lines) <= rows
    assert 1 <= widest(lines) <= columns
    assert len({width_of(line) for line in lines}) == 1


@given(st.lists(sample, max_size=6), st.integers(20, 130), st.integers(0, 40), st.sampled_from(DEPTHS))
@settings(max_examples=60, deadline=None)
def test_samples_keep_to_their_width(found: list[Sample], width: int, rows: int, depth: Depth) -> None:
    page = samples.page(found, Style(width, depth, plain=depth is Depth.NONE), rows)
    assert widest(page.lines) <= width
    assert page.shown <= len(found)
    assert bool(page.shown) == bool(found)
    assert not re.search(r"[\x00-\x1f]", "".join(text_of(line) for line in page.lines))


@given(
    st.lists(st.tuples(texts, st.integers(0, 10**9)), max_size=40),
    st.integers(20, 120),
    st.sampled_from(DEPTHS),
)
@settings(max_examples=60, deadline=None)
def test_class_bars_keep_to_their_room(counts: list[tuple[str, int]], width: int, depth: Depth) -> None:
    lines = bars.class_bars([ClassCount(*one) for one in counts], width, depth, most=12)
    assert widest(lines) <= width
    assert len(lines) <= 12


def test_half_blocks_hold_two_pixels_a_cell() -> None:
    picture = Picture(2, 2, 3, bytes([*RED, *GREEN, *WHITE, *GREEN]))
    assert images.draw(picture, 2, 1, Depth.TRUE) == [(Piece("▀", RED, WHITE), Piece(" ", None, GREEN))]
    assert to_text(images.draw(picture, 2, 1, Depth.TRUE), Depth.TRUE) == (
        "\x1b[38;2;255;0;0;48;2;255;255;255m▀\x1b[0m\x1b[48;2;0;255;0m \x1b[0m"
    )


def test_a_small_picture_grows_by_whole_pixels_and_a_large_one_shrinks_to_means() -> None:
    assert images.size_in(Picture(8, 8, 1, bytes(64)), 28, 14) == (24, 12)
    assert images.size_in(Picture(100, 50, 1, bytes(5000)), 20, 20) == (20, 5)
    assert images.scaled(Picture(2, 1, 1, bytes([0, 100])), 1, 1) == [[(50, 50, 50)]]
    assert images.scaled(Picture(1, 1, 1, bytes([7])), 2, 2) == [[(7, 7, 7)] * 2] * 2


def test_an_odd_row_leaves_the_ground_below_it() -> None:
    assert images.half_blocks([[RED]]) == [(Piece("▀", RED, None),)]


def test_sixteen_colours_mix_greys_and_keep_black_and_white() -> None:
    grey = images.colored([[(128, 128, 128)] * 8 for _ in range(8)], Depth.FEW, grey=True)
    assert {color for row in grey for color in row} == {8, 7}
    assert images.colored([[BLACK, WHITE]], Depth.FEW, grey=True) == [[0, 15]]


@pytest.mark.parametrize(
    ("color", "number"), [(BLACK, 16), (WHITE, 231), (RED, 196), ((128, 128, 128), 244), ((95, 135, 175), 67)]
)
def test_256_colours_are_the_nearest(color: tuple[int, int, int], number: int) -> None:
    assert palette.of_many(color) == number
    near = palette.rgb_of(number)
    assert max(abs(a - b) for a, b in zip(near, color, strict=True)) <= 10


def test_without_colours_white_is_dense() -> None:
    picture = Picture(2, 2, 1, bytes([0, 255, 0, 255]))
    assert images.draw(picture, 2, 1, Depth.NONE) == [(Piece(" @"),)]


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Depth.TRUE),
        ({"TERM": "xterm-kitty"}, Depth.TRUE),
        ({"TERM": "screen-256color"}, Depth.MANY),
        ({"TERM": "screen"}, Depth.FEW),
        ({"TERM": "linux"}, Depth.FEW),
        ({"TERM": "dumb"}, Depth.NONE),
        ({}, Depth.NONE),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, Depth.NONE),
    ],
)
def test_the_environment_tells_how_many_colours_there_are(environment: dict[str, str], depth: Depth) -> None:
    assert depth_of(environment, is_terminal=True) is depth
    assert depth_of(environment, is_terminal=False) is Depth.NONE


@pytest.mark.parametrize("depth", DEPTHS)
def test_piped_text_has_no_escapes_and_a_terminals_colours_end(depth: Depth) -> None:
    text = to_text([(Piece("a", RED, GREEN), Piece("b", 9)), (Piece("c  "),)], depth)
    if depth is Depth.NONE:
        assert text == "ab\nc"
    else:
        assert text.count("\x1b[0m") == 2
        assert text.splitlines()[1] == "c  "


# Graphics


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62;c", Graphics.KITTY),
        ("\x1b[?62;4;22c", Graphics.SIXEL),
        ("\x1b[?64;1;2;6;9;15c", Graphics.BLOCKS),
        ("\x1b_Gi=31;EINVAL:no\x1b\\\x1b[?1;2c", Graphics.BLOCKS),
        ("\x1b[?14;44c", Graphics.BLOCKS),
        ("", Graphics.BLOCKS),
    ],
)
def test_a_terminals_answer_tells_its_graphics(answer: str, expected: Graphics) -> None:
    assert asking.told(answer) is expected


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "tmux-256color"},
        {"TERM": "xterm-kitty", "TMUX": "/tmp/x"},
        {"TERM": "xterm-kitty", "STY": "1.pts"},
        {"TERM": "screen"},
        {"TERM": "linux"},
        {"TERM": "dumb"},
        {},
    ],
)
def test_inside_tmux_and_screen_no_question_is_asked(environment: dict[str, str]) -> None:
    assert not asking.may_ask(environment)
    assert asking.graphics_of_terminal(environment) is Graphics.BLOCKS


def test_kittys_protocol_sends_all_pixels_in_chunks() -> None:
    import base64
    import random
    import zlib

    pixels = random.Random(1).randbytes(90 * 90 * 3)
    text = graphics.kitty(Picture(90, 90, 3, pixels), 20, 10)
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert len(parts) > 1
    assert all(len(data) <= 4096 for _, data in parts)
    assert "s=90,v=90,c=20,r=10" in parts[0][0]
    assert [keys.endswith("m=1") for keys, _ in parts] == [True] * (len(parts) - 1) + [False]
    assert zlib.decompress(base64.b64decode("".join(data for _, data in parts))) == pixels


def test_a_sixel_has_every_pixel_in_its_colour() -> None:
    picture = Picture(3, 7, 3, bytes([*RED, *RED, *GREEN] * 7))
    text = graphics.sixel(picture, 3, 7)
    assert text.startswith('\x1bPq"1;1;3;7')
    assert text.endswith("\x1b\\")
    assert _decoded(text, 3, 7) == [[(100, 0, 0), (100, 0, 0), (0, 100, 0)]] * 7


def _decoded(text: str, width: int, height: int) -> list[list[tuple[int, ...] | None]]:
    """What a terminal draws of a Sixel."""
    body = text[len('\x1bPq"1;1;3;7') : -2]
    colors = {
        int(n): (int(r), int(g), int(b)) for n, r, g, b in re.findall(r"#(\d+);2;(\d+);(\d+);(\d+)", body)
    }
    body = re.sub(r"#\d+;2;\d+;\d+;\d+", "", body)
    grid: list[list[tuple[int, ...] | None]] = [[None] * width for _ in range(height)]
    x = top = 0
    color: tuple[int, ...] = ()
    for token in re.findall(r"#\d+|!\d+.|[$-]|[?-~]", body):
        if token[0] == "#":
            color = colors[int(token[1:])]
        elif token == "$":
            x = 0
        elif token == "-":
            x, top = 0, top + 6
        else:
            count = int(token[1:-1]) if token[0] == "!" else 1
            bits = ord(token[-1]) - 63
            for bit in range(6):
                if bits >> bit & 1:
                    grid[top + bit][x : x + count] = [color] * count
            x += count
    return grid


@pytest.mark.parametrize("kind", [Graphics.KITTY, Graphics.SIXEL])
def test_room_is_made_before_images_are_drawn(kind: Graphics) -> None:
    picture = Picture(8, 8, 1, bytes(64))
    found = [Sample(at, {"image": picture}, labels={"digit": str(at)}) for at in range(3)]
    text = tiles(found, Style(50, Depth.TRUE), kind, CellSize(10, 20))
    assert text.startswith("\n" * 10 + "\x1b[10A")
    assert text.count("\x1b7") == text.count("\x1b8") == 3
    assert "2" in text.splitlines()[-2]


# Tables, bars, numbers


def test_a_histogram_shows_the_least_count_and_its_ends() -> None:
    bins = [Bin(0, 20, 1000), Bin(20, 40, 0), Bin(40, 60, 1)]
    drawn = [text_of(line) for line in bars.histogram(bins, 20, 4)]
    assert drawn == ["████        ", "████        ", "████    ▁▁▁▁", "0         60"]
    assert bars.sparkline(bins, 20) == "█ ▁"


def test_bars_have_the_lengths_of_their_counts() -> None:
    lines = bars.class_bars([ClassCount("a", 100), ClassCount("b", 50), ClassCount("c", 0)], 60, Depth.NONE)
    lengths = [text_of(line).count("█") for line in lines]
    assert lengths[0] == 2 * lengths[1] > 0
    assert lengths[2] == 0


def test_of_many_classes_the_largest_and_the_smallest_are_shown() -> None:
    counts = [ClassCount(f"class {at}", 10 + at) for at in range(100)]
    drawn = "\n".join(text_of(line) for line in bars.class_bars(counts, 60, Depth.NONE, most=7))
    assert "class 99" in drawn
    assert "class 0 " in drawn
    assert "94 classes between" in drawn


def test_a_table_keeps_what_is_missing_in_sight_where_it_is_narrow() -> None:
    array = ArrayProfile("age", "float32", (), 10, 1.0, 99.0, 40.0, 9.0, missing=3, first_unusable=2)
    for width in (120, 60):
        head, row = (text_of(line) for line in tables.array_table([array], width))
        assert "3 from row 2" in row
        assert head.index("missing") == row.index("3 from row 2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("-inf"), "-∞"),
        (0.0, "0"),
        (1515.0, "1,515"),
        (0.3125, "0.3125"),
        (1.2e-7, "1.20e-7"),
        (3.4e38, "3.40e38"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_number_has_few_places(value: float) -> None:
    assert 0 < len(number_text(value)) <= 11


def test_shares_say_something_where_there_is_something() -> None:
    assert [share_text(part) for part in (0, 0.0001, 0.045, 0.5, 1)] == [
        "",
        "<0.1 %",
        "4.5 %",
        "50 %",
        "100 %",
    ]


# Curves, points, surfaces


def test_a_rising_series_is_drawn_from_the_bottom_left_to_the_top_right() -> None:
    lines = [
        text_of(line) for line in dots.curves(Curves((tuple(map(float, range(20))),), 20), 10, 5, Depth.NONE)
    ]
    assert lines[0][-1] != " "
    assert lines[0][0] == " "
    assert lines[-1][0] != " "


def test_a_gap_stays_a_gap() -> None:
    shown = Curves(((1.0, 1.0, None, None, None, None, None, None, 1.0, 1.0),), 10)
    line = text_of(dots.curves(shown, 10, 1, Depth.NONE)[0])
    assert "   " in line.strip()


POINTS = Points((0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0), (0, 1, 1, 0), ("no", "yes"))


@pytest.mark.parametrize("depth", DEPTHS)
def test_points_stand_where_they_are_in_the_colour_of_their_class(depth: Depth) -> None:
    lines = dots.scatter(POINTS, 30, 10, depth)
    assert len(lines) == 10
    assert widest(lines) <= 30
    top, bottom = lines[0], lines[7]
    marks = [piece for line in (top, bottom) for piece in line if piece.text.strip()]
    if depth is Depth.NONE:
        assert [text_of(line).split() for line in (top, bottom)] == [["x", "o"], ["o", "x"]]
    else:
        assert marks[0].color == marks[3].color != marks[1].color == marks[2].color
    assert "yes" in text_of(lines[8])


def surface_of(classes: bytes, certainty: bytes = bytes([255] * 4)) -> Surface:
    return Surface(3, 2, 2, -0.5, 1.5, -0.5, 1.5, classes, certainty, POINTS)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("size", [(40, 12), (7, 3), (1, 1)])
def test_a_surface_keeps_to_its_room(depth: Depth, size: tuple[int, int]) -> None:
    lines = surface.draw(surface_of(bytes([0, 1, 1, 0])), *size, depth)
    assert len(lines) == size[1]
    assert widest(lines) <= size[0]


def test_a_sample_on_another_ground_is_seen() -> None:
    right = surface.draw(surface_of(bytes([1, 0, 0, 1])), 20, 9, Depth.TRUE)
    wrong = surface.draw(surface_of(bytes([0, 1, 1, 0])), 20, 9, Depth.TRUE)
    of_right, of_wrong = (
        {piece[1:3] for line in lines[:8] for piece in line if piece.text == "•"} for lines in (right, wrong)
    )
    assert len(of_right) == len(of_wrong) == 2
    assert not of_right & of_wrong


def test_an_unsure_model_leaves_sixteen_colours_dark() -> None:
    lines = surface.draw(surface_of(bytes(4), bytes([10] * 4)), 20, 9, Depth.FEW)
    assert all(piece.ground is None for line in lines for piece in line)


# Cells


def test_blocks_stand_side_by_side() -> None:
    lines = beside([[(Piece("ab"),)], [(Piece("c"),), (Piece("d"),)]], [3, 1], gap=1)
    assert [text_of(line) for line in lines] == ["ab  c", "    d"]


@given(st.lists(texts, max_size=5), st.integers(0, 40))
def test_a_fitted_line_is_as_wide_as_asked(parts: list[str], width: int) -> None:
    line = fitted([Piece(part) for part in parts], width)
    assert sum(cell_len(piece.text) for piece in line) == width
