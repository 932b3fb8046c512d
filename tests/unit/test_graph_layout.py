"""The picture of a graph: one row a node, rails that say what feeds what."""

from hypothesis import given
from hypothesis import strategies as st

from kflab.graph.layout import NODE, arrange, lay_out, reading_order
from kflab.graph.nodes import Graph, Layer, Node
from kflab.graph.order import find_cycle, topological
from kflab.tui.text import to_ascii


def graph(**fed_by: str) -> Graph:
    return Graph(nodes={name: Node(Layer("Dense"), tuple(inputs.split())) for name, inputs in fed_by.items()})


def lanes(shown: Graph) -> dict[str, int]:
    return {row.name: row.lane for row in lay_out(shown)}


def picture(shown: Graph) -> list[str]:
    return [f"{row.rails:6} {row.name}" for row in lay_out(shown)]


def test_a_chain_is_one_straight_rail() -> None:
    assert picture(graph(a="", b="a", c="b")) == ["●      a", "●      b", "●      c"]


def test_branches_open_to_the_right_and_close_at_the_merge() -> None:
    shown = graph(image="", left="image", right="image", joined="left right", digit="joined")
    assert picture(shown) == [
        "●─╮    image",
        "● │    left",
        "│ ●    right",
        "●─╯    joined",
        "●      digit",
    ]


def test_a_residual_connection_runs_beside_the_layers_it_skips() -> None:
    shown = graph(x="", conv="x", norm="conv", added="norm x")
    assert picture(shown) == ["●─╮    x", "● │    conv", "● │    norm", "●─╯    added"]


def test_the_inner_of_two_skip_connections_is_nearer_to_the_main_path() -> None:
    shown = graph(x="", down="x", deep="down", up="deep down", out="up x")
    assert picture(shown) == [
        "●───╮  x",
        "●─╮ │  down",
        "● │ │  deep",
        "●─╯ │  up",
        "●───╯  out",
    ]


def test_each_block_of_blocks_that_feed_each_other_can_be_told_from_the_last() -> None:
    shown = graph(x="", a="x", ab="a x", b="ab", bb="b ab")
    assert picture(shown) == ["●─╮    x", "● │    a", "●─┴─╮  ab", "●   │  b", "●───╯  bb"]


def test_a_value_that_goes_on_is_joined_and_not_ended() -> None:
    shown = graph(x="", a="x", b="x", c="x", d="x a b c")
    assert picture(shown) == ["●─────╮ x", "●     │ a", "│ ●───┤ b", "│ │ ●─┤ c", "●─┴─┴─╯ d"]


def test_a_lane_that_is_only_crossed_stays_whole() -> None:
    shown = graph(x="", other="", last="x", both="x last", end="other both")
    crossing = graph(x="", a="x", b="", c="b", d="a b x", e="c d")
    for row in (*lay_out(shown), *lay_out(crossing)):
        assert row.rails[2 * row.lane] == NODE
    assert any("─│─" in row.rails for row in lay_out(crossing))


def test_a_branch_is_not_left_before_it_waits_for_another() -> None:
    shown = graph(a="", b="", a1="a", b1="b", a2="a1", b2="b1", end="a2 b2")
    assert reading_order(shown) == ("a", "a1", "a2", "b", "b1", "b2", "end")


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
def test_rows_stand_after_all_that_feed_them(shown: Graph) -> None:
    order = reading_order(shown)
    assert sorted(order) == sorted(shown.nodes)
    for name, node in shown.nodes.items():
        assert all(order.index(source) < order.index(name) for source in node.sources())


@given(graphs())
def test_rails_lead_from_every_node_to_all_that_it_feeds(shown: Graph) -> None:
    order = reading_order(shown)
    layout = arrange(order, {name: node.sources() for name, node in shown.nodes.items()})
    for at, row in enumerate(layout.rows):
        assert row.rails[2 * row.lane] == NODE
        assert row.rails.count(NODE) == 1
        assert row.rails == row.rails.rstrip()
        for source in shown.nodes[row.name].sources():
            [rail] = [
                rail for rail in layout.rails if rail.source == order.index(source) and at in rail.takers
            ]
            assert rail.lane == row.lane or row.rails[2 * rail.lane] in "├┤┼┴╰╯"
            assert all(
                layout.rows[between].rails[2 * rail.lane] in "│├┤┼" for between in range(rail.source + 1, at)
            )
    assert sum(len(rail.takers) for rail in layout.rails) == sum(
        len(node.sources()) for node in shown.nodes.values()
    )


@given(graphs())
def test_no_two_values_share_a_lane(shown: Graph) -> None:
    layout = arrange(reading_order(shown), {name: node.sources() for name, node in shown.nodes.items()})
    for rail in layout.rails:
        for other in layout.rails:
            if rail is not other and rail.lane == other.lane and rail.source <= other.source:
                assert rail.takers[-1] <= other.source


@st.composite
def stages(draw: st.DrawFn) -> list[list[list[str]]]:
    """Blocks one after the other, each with branches of layers; an empty branch is a skip connection."""
    return [
        [
            [f"b{block}_{branch}_{layer}" for layer in range(draw(st.integers(0, 5)))]
            for branch in range(draw(st.integers(1, 4)))
        ]
        for block in range(draw(st.integers(1, 5)))
    ]


def composed(blocks: list[list[list[str]]]) -> Graph:
    fed_by = {"x": ""}
    last = "x"
    for number, block in enumerate(blocks):
        ends = []
        for branch in block:
            source = last
            for layer in branch:
                fed_by[layer] = source
                source = layer
            ends.append(source)
        fed_by[f"m{number}"] = " ".join(dict.fromkeys(ends))
        fed_by[f"r{number}"] = f"m{number}"
        last = f"r{number}"
    return graph(**fed_by)


@given(stages(), st.data())
def test_an_edit_of_a_block_leaves_the_lanes_of_all_others(
    blocks: list[list[list[str]]], data: st.DataObject
) -> None:
    edited = data.draw(st.integers(0, len(blocks) - 1))
    branch = data.draw(st.integers(0, len(blocks[edited])))
    before = lanes(composed(blocks))
    changed = [[list(branch) for branch in block] for block in blocks]
    new = [f"new{layer}" for layer in range(data.draw(st.integers(1, 6)))]
    if branch < len(changed[edited]):
        at = data.draw(st.integers(0, len(changed[edited][branch])))
        changed[edited][branch][at:at] = new
    else:
        changed[edited].append(new)
    now = lanes(composed(changed))
    for name, lane in before.items():
        assert name.startswith(f"b{edited}_") or now[name] == lane


@given(stages())
def test_what_comes_between_the_blocks_is_one_straight_line(blocks: list[list[list[str]]]) -> None:
    stood = lanes(composed(blocks))
    assert all(lane == 0 for name, lane in stood.items() if name[0] in "xmr")


def test_the_longer_way_goes_straight_on_though_the_shortcut_is_written_first() -> None:
    shown = graph(x="", short="x", a="x", b="a", c="b", d="c", added="short d")
    assert picture(shown) == [
        "●─╮    x",
        "│ ●    short",
        "● │    a",
        "● │    b",
        "● │    c",
        "● │    d",
        "●─╯    added",
    ]


@given(graphs())
def test_the_rails_of_a_node_are_those_to_its_inputs_and_consumers(shown: Graph) -> None:
    order = reading_order(shown)
    layout = arrange(order, {name: node.sources() for name, node in shown.nodes.items()})
    for at, name in enumerate(order):
        rails = layout.edges_of(at)
        fed = {order.index(source) for source in shown.nodes[name].sources()}
        takers = {order.index(other) for other, node in shown.nodes.items() if name in node.sources()}
        assert {rail.source for rail in rails} - {at} == fed
        assert {taker for rail in rails for taker in rail.takers} - {at} == takers
        seen = {row for row in range(len(order)) if layout.columns(rails, row)}
        assert not rails or seen >= {at, *fed, *takers}
