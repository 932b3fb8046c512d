"""What repeats in a graph, what is folded, and the rows that are left."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kflab.experiment import Data, Experiment
from kflab.graph import edits
from kflab.graph.folding import Folding, all_calls, all_folds, around, at_first, folds_of, hiding
from kflab.graph.history import History
from kflab.graph.layout import lay_out, reading_order
from kflab.graph.nodes import Call, Graph, Layer, Node
from kflab.graph.picture import picture
from kflab.tui.session import Session
from tests.bench.graphs import residual

FOLDED = Folding(folded=True)


def chain(*layers: str) -> Graph:
    """A chain of layers behind an Input, each named after its class and its place."""
    nodes = {"x": Node(Layer("Input"))}
    last = "x"
    for index, layer in enumerate(layers):
        nodes[f"{layer}{index}".lower()] = Node(Layer(layer), (last,))
        last = f"{layer}{index}".lower()
    return Graph(nodes=nodes, outputs=(last,))


def of(graph: Graph, **models: Graph) -> Experiment:
    return Experiment(data=Data(source="digits"), model=graph, models=models)


def patterns(graph: Graph) -> list[tuple[str, int]]:
    def word(name: str) -> str:
        target = graph.nodes[name].target
        return target.layer if isinstance(target, Layer) else ""

    return [(" ".join(map(word, fold.pattern)), fold.count) for fold in folds_of(graph)]


def test_a_chain_that_repeats_is_one_block_that_begins_with_its_layer_of_a_size() -> None:
    three = ["Conv2D", "BatchNormalization", "ReLU"] * 3
    assert patterns(chain(*three, "Flatten", "Dense")) == [("Conv2D BatchNormalization ReLU", 3)]
    assert patterns(chain("ReLU", *three, "Flatten")) == [("Conv2D BatchNormalization ReLU", 3)]


def test_what_stands_there_once_is_no_block() -> None:
    assert patterns(chain("Conv2D", "ReLU", "Flatten", "Dense", "Softmax")) == []
    assert patterns(chain("Dense", "Dense")) == []
    assert patterns(chain("Dense", "Dense", "Dense")) == [("Dense", 3)]


def test_blocks_need_the_same_wiring_and_not_only_the_same_layers() -> None:
    nodes = {"x": Node(Layer("Input"))}
    last = "x"
    for block in range(4):
        nodes[f"a{block}"] = Node(Layer("Dense"), (last,))
        nodes[f"b{block}"] = Node(Layer("Dense"), (f"a{block}",))
        fed = (last, f"b{block}") if block != 2 else (f"a{block}", f"b{block}")
        nodes[f"c{block}"] = Node(Layer("Add"), fed)
        last = f"c{block}"
    found = [fold.nodes for fold in folds_of(Graph(nodes=nodes, outputs=(last,)))]
    assert ("a0", "b0", "c0", "a1", "b1", "c1") in found
    assert not any("c2" in nodes for nodes in found)


def test_residual_blocks_fold_and_the_first_of_each_stage_is_a_block_of_its_own() -> None:
    graph = residual(200).model
    folds = folds_of(graph)
    assert max(fold.count for fold in folds) == 3
    assert any(fold.count == 1 and len(fold.nodes) == 11 for fold in folds)
    assert len(picture(residual(200), "", FOLDED).lines) < 30
    for fold in folds:
        assert len({len(inner.nodes) for inner in fold.inside if fold.count > 1}) <= 1


def test_blocks_that_all_take_the_same_mask_repeat() -> None:
    nodes = {"x": Node(Layer("Input")), "mask": Node(Layer("Input"))}
    last = "x"
    for block in range(5):
        nodes[f"d{block}"] = Node(Layer("Dense"), (last,))
        nodes[f"m{block}"] = Node(Layer("Multiply"), (f"d{block}", "mask"))
        last = f"m{block}"
    [fold] = folds_of(Graph(nodes=nodes, outputs=(last,)))
    assert fold.count >= 4


def test_branches_that_are_alike_are_no_repetition() -> None:
    nodes = {"x": Node(Layer("Input"))}
    for branch in range(8):
        nodes[f"c{branch}"] = Node(Layer("Conv2D"), ("x",))
        nodes[f"r{branch}"] = Node(Layer("ReLU"), (f"c{branch}",))
    nodes["y"] = Node(Layer("Concatenate"), tuple(f"r{branch}" for branch in range(8)))
    assert patterns(Graph(nodes=nodes, outputs=("y",))) == []


def test_a_folded_block_is_fed_by_and_feeds_what_its_nodes_do() -> None:
    graph = chain(*["Conv2D", "BatchNormalization", "ReLU"] * 3, "Flatten", "Dense")
    shown = picture(of(graph), "", FOLDED)
    assert [line.node for line in shown.lines] == ["x", "relu8", "flatten9", "dense10"]
    assert shown.inputs_of(1) == (0,)
    assert shown.consumers_of(1) == (2,)
    assert shown.lines[1].fold is not None
    assert all(shown.row_of[node] == 1 for node in shown.lines[1].fold.nodes)


def test_large_graphs_are_first_shown_folded_and_small_ones_are_not() -> None:
    assert not at_first(chain(*["Conv2D", "ReLU"] * 3)).folded
    assert at_first(residual(200).model).folded


def test_a_nested_model_is_shown_below_its_call_and_never_inside_itself() -> None:
    inner = chain("Dense", "ReLU")
    deep = Graph(nodes={"x": Node(Layer("Input")), "again": Node(Call("inner"), ("x",))}, outputs=("again",))
    outer = Graph(
        nodes={
            "image": Node(Layer("Input")),
            "one": Node(Call("inner"), ("image",)),
            "two": Node(Call("deep"), ("one",)),
        },
        outputs=("two",),
    )
    experiment = of(outer, inner=inner, deep=deep)
    calls = frozenset(all_calls(outer, experiment.models))
    assert calls == {"one", "two", "two/again"}
    shown = picture(experiment, "", Folding(opened=calls))
    assert [line.key for line in shown.lines] == [
        "image", "one", "one/x", "one/dense0", "one/relu1", "two", "two/x", "two/again",
        "two/again/x", "two/again/dense0", "two/again/relu1",
    ]  # fmt: skip
    assert [line.depth for line in shown.lines] == [0, 0, 1, 1, 1, 0, 1, 1, 2, 2, 2]
    assert shown.lines[2].rails == "│ ●"
    assert shown.inputs_of(3) == (2,)
    circle = of(outer, inner=deep, deep=deep)
    assert picture(circle, "", Folding(opened=frozenset({"one", "one/again", "one/again/again"}))).lines


def test_a_fold_stays_folded_when_something_else_is_edited_and_opens_where_it_is() -> None:
    experiment = of(chain(*["Conv2D", "BatchNormalization", "ReLU"] * 3, "Flatten", "Dense"))
    [fold] = folds_of(experiment.model)
    folding = Folding().turning(fold)
    elsewhere = edits.add_after(experiment, "", "flatten9", Layer("Dropout")).experiment
    assert len(picture(elsewhere, "", folding).lines) == 5
    within = edits.add_after(experiment, "", "relu5", Layer("Dropout"))
    revealed = folding.revealing(folds_of(within.experiment.model), within.node)
    assert hiding(within.experiment.model, revealed, within.node) is None


def test_a_rename_keeps_what_is_folded() -> None:
    graph = chain(*["Conv2D", "BatchNormalization", "ReLU"] * 3, "Flatten", "Dense")
    [fold] = folds_of(graph)
    renamed = edits.rename(of(graph), "", fold.nodes[0], "stem").experiment
    folding = Folding(opened=frozenset({f"{fold.nodes[0]}/inner"})).turning(fold)
    followed = folding.following({fold.nodes[0]: "stem"})
    assert followed.opened == {"stem/inner"}
    assert len(picture(renamed, "", followed).lines) == len(picture(of(graph), "", folding).lines)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs of few kinds of layers, so that things repeat."""
    words = draw(st.lists(st.sampled_from(["Dense", "ReLU", "Add"]), min_size=1, max_size=4))
    times = draw(st.integers(1, 5))
    tail = draw(st.lists(st.sampled_from(["Dense", "ReLU", "Add"]), max_size=5))
    offsets = draw(st.lists(st.integers(1, 6), min_size=len(words), max_size=len(words)))
    nodes = {"x": Node(Layer("Input"))}
    for index, (word, offset) in enumerate(
        zip(words * times + tail, offsets * times + [1] * 9, strict=False)
    ):
        names = list(nodes)
        fed = (names[-1], names[-min(offset, len(names))]) if word == "Add" else (names[-1],)
        nodes[f"n{index}"] = Node(Layer(word), fed)
    return Graph(nodes=nodes, outputs=(list(nodes)[-1],))


@settings(max_examples=60)
@given(graphs(), st.data())
def test_every_node_is_seen_once_or_is_inside_one_fold(graph: Graph, data: st.DataObject) -> None:
    keys = [fold.key for fold in all_folds(folds_of(graph))]
    assert len(keys) == len(set(keys))
    turned = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    folding = Folding(folded=data.draw(st.booleans()), turned=frozenset(turned))
    shown = picture(of(graph), "", folding)
    seen = [node for line in shown.lines for node in (line.fold.nodes if line.fold else (line.node,))]
    assert seen == list(reading_order(graph))
    for row, line in enumerate(shown.lines):
        assert all(source < row for source in shown.inputs_of(row))
        assert line.rails[line.column] == "●"


@settings(max_examples=60)
@given(graphs())
def test_what_is_all_open_is_what_is_drawn_without_folds(graph: Graph) -> None:
    everything = Folding(folded=True, turned=frozenset(fold.key for fold in all_folds(folds_of(graph))))
    for folding in (Folding(), everything):
        drawn = [(line.node, line.rails) for line in picture(of(graph), "", folding).lines]
        assert drawn == [(row.name, row.rails) for row in lay_out(graph)]


@settings(max_examples=60)
@given(graphs(), st.data())
def test_any_node_can_be_revealed(graph: Graph, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(graph.nodes)))
    folding = FOLDED.revealing(folds_of(graph), name)
    shown = picture(of(graph), "", folding)
    assert shown.lines[shown.row_of[name]].fold is None
    assert not [fold for fold in around(folds_of(graph), name) if folding.closes(fold)]


STEPS = ("select", "stand", "fold", "all", "add", "delete", "undo", "redo")


@settings(max_examples=40)
@given(graphs(), st.data())
def test_the_cursor_always_has_a_row_and_an_edit_is_always_seen(graph: Graph, data: st.DataObject) -> None:
    session = Session(history=History(of(graph)))
    for _ in range(data.draw(st.integers(1, 12))):
        names = list(session.graph.nodes)
        step = data.draw(st.sampled_from(STEPS))
        if step == "select" and names:
            name = data.draw(st.sampled_from(names))
            session = session.selecting(name)
            assert session.on_node
            assert session.selected == name
        elif step == "stand" and names:
            session = session.standing_on(data.draw(st.sampled_from(session.picture.lines)).key)
        elif step == "fold" and (folds := list(all_folds(folds_of(session.graph)))):
            session = session.folded_to(session.folding.turning(data.draw(st.sampled_from(folds))))
        elif step == "all":
            session = session.folded_to(Folding(folded=not session.folding.folded))
        elif step == "add":
            added = edits.add_after(session.experiment, "", session.selected, Layer("Dense"))
            session = session.edited(added)
            assert session.on_node
            assert session.selected == added.node
        elif step == "delete" and names:
            session = session.edited(edits.delete(session.experiment, "", session.selected))
        elif step == "undo":
            session = session.undone()
        elif step == "redo":
            session = session.redone()
        shown = session.picture
        assert not shown.lines or shown.lines[shown.row_of[session.row]].key
        assert sorted(name for name in shown.row_of if "/" not in name) == sorted(session.graph.nodes)
