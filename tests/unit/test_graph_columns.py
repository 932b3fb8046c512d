"""The rows of a graph as text: columns that line up, at every width."""

from __future__ import annotations

import pytest

from kflab import catalog, document, presets
from kflab.diagnose.findings import Finding, Severity
from kflab.engine.protocol import GraphReport, NodeReport, Report, TensorReport, Totals
from kflab.experiment import Data, Experiment
from kflab.graph import edits
from kflab.graph.folding import Folding, all_calls
from kflab.graph.history import History
from kflab.graph.nodes import Graph, Layer, Node, Share
from kflab.tui.graph_columns import GraphTexts
from kflab.tui.graph_view import view_of
from kflab.tui.layer_text import layer_text, pattern_text
from kflab.tui.session import Session
from kflab.tui.text import bar_text, fit_chain, fit_middle, share_text
from tests.bench.graphs import residual

BRANCHES = document.read(presets.path("digits_branches"))


def report(experiment: Experiment, dtype: str = "float32", params: int = 1_000_000) -> Report:
    def graph(shown: Graph) -> GraphReport:
        nodes = {
            name: NodeReport("", (TensorReport((None, 28, 28, 64), dtype),), params * at)
            for at, name in enumerate(shown.nodes)
        }
        return GraphReport(nodes, Totals(total=sum(node.params for node in nodes.values())))

    return Report(graph(experiment.model), {name: graph(value) for name, value in experiment.models.items()})


def session(experiment: Experiment, **changes: object) -> Session:
    told = Session(history=History(experiment)).told(report(experiment), experiment)
    for name, value in changes.items():
        told = getattr(told, name)(value)
    return told


def rows(shown: Session, width: int) -> list[str]:
    texts = GraphTexts(catalog.load())
    texts.show(view_of(shown), width)
    return ["".join(piece.text for piece in texts.row(row)) for row in range(len(texts.cells))]


def parts(shown: Session, width: int, part: str) -> dict[str, str]:
    texts = GraphTexts(catalog.load())
    texts.show(view_of(shown), width)
    return {
        line.key: "".join(piece.text for piece in texts.row(row) if piece.part == part).strip()
        for row, line in enumerate(shown.picture.lines)
    }


@pytest.mark.parametrize("width", [30, 40, 56, 62, 80, 118, 200])
@pytest.mark.parametrize("preset", presets.names())
def test_no_row_is_wider_than_there_is_room(preset: str, width: int) -> None:
    experiment = document.read(presets.path(preset))
    calls = frozenset(all_calls(experiment.model, experiment.models))
    shown = session(experiment, folded_to=Folding(opened=calls))
    assert max(map(len, rows(shown, width))) <= max(width, 40)


def test_columns_line_up_and_numbers_end_in_the_same_place() -> None:
    drawn = rows(session(BRANCHES), 80)
    assert len({line.index("28×28×64") for line in drawn}) == 1
    assert len({line.index("%") for line in drawn[1:]}) == 1
    assert "1,000,000    3%" in drawn[1]


def test_a_wide_terminal_has_room_for_bars_and_dtypes() -> None:
    drawn = rows(session(BRANCHES), 160)
    assert "█" in drawn[-1]
    assert all(line.rstrip().endswith("float32") for line in drawn)


def test_another_dtype_is_shown_where_there_is_room_at_all() -> None:
    half = Session(history=History(BRANCHES)).told(report(BRANCHES, "float16"), BRANCHES)
    assert all("float16" in line for line in rows(half, 90))


def test_inputs_and_consumers_of_the_selected_node_are_lit_and_no_others() -> None:
    lit = parts(session(BRANCHES, selecting="joined"), 80, "lit")
    assert "left" in lit["left"]
    assert "right" in lit["right"]
    assert "halved" in lit["halved"]
    assert not lit["image"]
    assert not lit["digit"]


def test_a_finding_marks_its_node_and_says_what_it_is_where_there_is_room() -> None:
    wrong = Finding("expects the same shapes", Severity.ERROR, node="joined")
    shown = session(BRANCHES).situated(None, (wrong,))
    assert "✗" in parts(shown, 62, "error")["joined"]
    assert "expects the same shapes" in rows(shown, 140)[3]


def test_a_finding_inside_an_open_nested_model_marks_its_row() -> None:
    experiment = document.read(presets.path("digits_autoencoder"))
    wrong = Finding("is too small", Severity.WARNING, graph="encoder", node="edges")
    opened = session(experiment, folded_to=Folding(opened=frozenset({"encoded"})))
    shown = opened.situated(None, (wrong,))
    assert "▲" in parts(shown, 80, "warning")["encoded/edges"]
    assert "▲" in parts(shown, 80, "warning")["encoded"]
    assert not parts(shown, 80, "warning")["encoded/halved"]


def test_marked_nodes_can_be_told_without_colour() -> None:
    drawn = rows(session(BRANCHES).marking("left", "right"), 62)
    assert [line for line in drawn if "■" in line] == [drawn[1], drawn[2]]


def test_a_folded_block_says_what_it_is_how_often_and_what_it_costs() -> None:
    experiment = residual(200)
    shown = session(experiment, folded_to=Folding(folded=True))
    drawn = rows(shown, 110)
    fold = next(line for line in shown.picture.lines if line.fold and line.fold.count > 1)
    row = drawn[shown.picture.row_of[fold.key]]
    assert "◆" in row
    assert "conv → bn → relu" in row
    assert "×3" in row
    assert fold.fold is not None
    told = report(experiment).model.nodes
    assert f"{sum(told[name].params for name in fold.fold.nodes):,}" in row
    assert "×3" in rows(shown, 50)[shown.picture.row_of[fold.key]]


def test_shared_layers_say_whose_they_are_and_their_owners_that_they_are() -> None:
    graph = Graph(
        nodes={
            "a": Node(Layer("Input", {"shape": [4]})),
            "b": Node(Layer("Dense", {"units": 3}), ("a",)),
            "c": Node(Share("b"), ("b",)),
        },
        outputs=("c",),
    )
    drawn = rows(Session(history=History(Experiment(data=Data(source="digits"), model=graph))), 80)
    assert "Dense 3 =" in drawn[1]
    assert "Dense = b" in drawn[2]
    assert layer_text(catalog.load(), graph, "c") == "Dense = b"


def test_many_lanes_are_drawn_closer_and_then_cut() -> None:
    nodes = {"x": Node(Layer("Input", {"shape": [4]}))}
    nodes |= {f"b{at}": Node(Layer("Dense", {"units": 3}), ("x",)) for at in range(60)}
    nodes["y"] = Node(Layer("Concatenate"), tuple(nodes)[1:])
    wide = session(Experiment(data=Data(source="digits"), model=Graph(nodes=nodes, outputs=("y",))))
    drawn = rows(wide, 62)
    assert max(map(len, drawn)) <= 62
    assert all(f"b{at} " in drawn[1 + at] for at in range(60))
    assert len({line.index("28×28×64") for line in drawn}) == 1


def test_words_are_cut_so_that_what_tells_them_apart_is_left() -> None:
    assert fit_middle("conv5_block3_2_conv", 12) == "conv5_…_conv"
    assert fit_chain("conv → bn → relu → add", 18) == "conv → … → add"
    assert share_text(1, 1000) == "<1%"
    assert share_text(0, 10) == ""
    assert bar_text(1, 2, 8) == "████"
    graph = Graph(
        nodes={
            "c": Node(Layer("SeparableConv2D")),
            "n": Node(Layer("BatchNormalization")),
            "a": Node(Layer("Activation", {"activation": "gelu"})),
            "r": Node(Layer("LeakyReLU")),
        }
    )
    assert pattern_text(graph, ("c", "n", "a", "r"), 4) == "conv → bn → gelu → relu ×4"


def test_what_is_frozen_says_so_in_its_row() -> None:
    layers = edits.freeze(BRANCHES, "", ["left"]).experiment
    (row,) = (row for row in rows(session(layers), 90) if "frozen" in row)
    assert "left     Conv2D frozen 16 3×3 relu" in row
    autoencoder = document.read(presets.path("digits_autoencoder"))
    nested = edits.freeze(autoencoder, "", ["encoded"]).experiment
    (row,) = (row for row in rows(session(nested), 90) if "frozen" in row)
    assert "encoder ▸ frozen" in row
