"""The picture of a graph: one row a node, rails that say what feeds what."""

from hypothesis import given
from hypothesis import strategies as st

from kflab.graph.layout import NODE, lay_out
from kflab.graph.nodes import Graph, Layer, Node
from kflab.graph.order import find_cycle, topological
from kflab.tui.text import to_ascii


def graph(**fed_by: str) -> Graph:
    return Graph(nodes={name: Node(Layer("Dense"), tuple(inputs.split())) for name, inputs in fed_by.items()})


def picture(shown: Graph) -> list[str]:
    return [f"{row.rails:6} {row.name}" for row in lay_out(shown)]


def test_a_chain_is_one_straight_rail() -> None:
    assert picture(graph(a="", b="a", c="b")) == ["●      a", "●      b", "●      c"]


def test_branches_open_to_the_right_and_close_at_the_merge() -> None:
    shown = graph(image="", left="image", right="image", joined="left right", digit="joined")
    assert picture(shown) == [
        "●      image",
        "├─●    left",
        "● │    right",
        "●─╯    joined",
        "●      digit",
    ]


def test_a_residual_connection_runs_past_the_layers_it_skips() -> None:
    shown = graph(x="", conv="x", norm="conv", added="norm x")
    assert picture(shown) == ["●      x", "├─●    conv", "│ ●    norm", "●─╯    added"]


def test_a_value_that_goes_on_is_joined_and_not_ended() -> None:
    shown = graph(x="", a="x", b="x a", c="x a b")
    assert picture(shown) == ["●      x", "├─●    a", "├─┼─●  b", "●─┴─╯  c"]


def test_a_lane_that_is_only_crossed_stays_whole() -> None:
    shown = graph(x="", other="", last="x", both="x last", end="other both")
    for row in lay_out(shown):
        assert row.rails[2 * row.lane] == NODE
    crossing = next(row for row in lay_out(shown) if row.name == "last")
    assert crossing.rails == "├─│─●"


def test_ascii_has_the_same_width() -> None:
    for row in lay_out(graph(x="", a="x", b="x a", c="x a b")):
        assert len(to_ascii(row.rails)) == len(row.rails)
        assert to_ascii(row.rails).isascii()


def test_a_circle_is_found_and_still_has_an_order() -> None:
    shown = graph(a="", b="a d", c="b", d="c")
    assert set(find_cycle(shown)) == {"b", "c", "d"}
    assert topological(shown) == ("a", "b", "c", "d")
    assert find_cycle(graph(a="", b="a")) == ()


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 30))
    names = [f"n{index}" for index in range(count)]
    nodes = {}
    for index, name in enumerate(names):
        inputs = draw(st.lists(st.sampled_from(names[:index]), max_size=3, unique=True)) if index else []
        nodes[name] = Node(Layer("Dense"), tuple(inputs))
    order = draw(st.permutations(names))
    return Graph(nodes={name: nodes[name] for name in order})


@given(graphs())
def test_every_node_comes_after_all_that_feed_it(shown: Graph) -> None:
    position = {name: index for index, name in enumerate(topological(shown))}
    assert sorted(position) == sorted(shown.nodes)
    for name, node in shown.nodes.items():
        assert all(position[source] < position[name] for source in node.sources())


@given(graphs())
def test_every_row_shows_its_node_and_a_rail_to_each_input(shown: Graph) -> None:
    lane_of: dict[str, int] = {}
    for row in lay_out(shown):
        assert row.rails[2 * row.lane] == NODE
        assert row.rails.count(NODE) == 1
        for source in shown.nodes[row.name].sources():
            column = 2 * lane_of[source]
            assert column == 2 * row.lane or row.rails[column] in "├┤┼┴╰╯"
        lane_of[row.name] = row.lane
