"""What can be said about the wiring of a graph without Keras."""

from __future__ import annotations

import pytest

from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.structure import structure
from kflab.diagnose.wording import and_text, count_text, shape_text, sizes_text
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share
from kflab.values import Value


def layer(kind: str, *inputs: str, **arguments: Value) -> Node:
    return Node(Layer(kind, arguments), inputs)


INPUT = layer("Input", shape=[4])


def found(
    nodes: dict[str, Node], *outputs: str, inputs: tuple[str, ...] = (), **models: Graph
) -> list[tuple[str, str, str]]:
    graph = Graph(nodes=nodes, outputs=outputs, inputs=inputs)
    findings = structure(Experiment(data=Data(source="digits"), model=graph, models=models))
    return [(finding.place, str(finding.severity), finding.message) for finding in findings]


def test_a_whole_graph_has_no_findings() -> None:
    nodes = {
        "x": INPUT,
        "a": layer("Dense", "x", units=2),
        "b": Node(Share("a"), ("x",)),
        "c": Node(Op("ops.add"), ("a", "b")),
        "d": Node(Op("ops.multiply", {"x2": 2.0}), ("c",)),
        "e": Node(Op("ops.subtract", {"x1": 1.0}), named={"x2": "d"}),
        "f": layer("Add", "d", "e", "x"),
    }
    assert found(nodes, "f") == []


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (layer("Dense", units=2), "Dense has no input; connect it to a node"),
        (layer("Dense", "x", "x", units=2), "Dense takes 1 input, it has 2"),
        (layer("Conv2D", "x"), "Conv2D needs filters and kernel_size"),
        (layer("Bidirectional", "x", layer={"LSTM": {}}), "Bidirectional needs layer.LSTM.units"),
        (layer("Concatenate"), "Concatenate has no input; connect it to a node"),
        (layer("Input", "x", shape=[3]), "an Input takes no inputs"),
        (
            layer("MultiHeadAttention", "x", num_heads=1, key_dim=1),
            "MultiHeadAttention needs 2 inputs (query, value), it has 1; value is missing",
        ),
        (Node(Op("ops.add"), ("x",)), "ops.add needs 2 inputs (x1, x2), it has 1; x2 is missing"),
        (Node(Op("ops.add", {"x2": 1.0}), ("x", "x")), "ops.add takes 1 input, it has 2"),
        (Node(Call("inner"), ()), "inner has no input connected; it needs 2 inputs (a, b)"),
        (Node(Call("inner"), ("x",)), "inner needs 2 inputs (a, b), it has 1"),
        (Node(Call("inne"), ("x",)), "it calls the model 'inne', which is not there; did you mean inner?"),
        (layer("Dense", "xx", units=2), "its input 'xx' is no node of the model; did you mean x?"),
        (
            Node(Share("gone"), ("x",)),
            "the layer that it shares belongs to 'gone', which is no node of the model",
        ),
        (Node(Share("x"), ()), "an Input can not be shared; connect to it instead"),
    ],
)
def test_a_node_says_what_it_lacks(node: Node, message: str) -> None:
    inner = Graph(nodes={"a": INPUT, "b": INPUT, "c": layer("Add", "a", "b")}, outputs=("c",))
    nodes = {"x": INPUT, "y": node, "call": Node(Call("inner"), ("x", "x"))}
    wrong = [entry for entry in found(nodes, "y", "x", "call", inner=inner) if entry[1] == "error"]
    assert wrong == [("y", "error", message)]


def test_a_shared_layer_is_called_as_its_owner_is() -> None:
    nodes = {"x": INPUT, "a": layer("Add", "x", "x"), "b": Node(Share("a"), ("x",)), "c": Node(Share("b"))}
    assert found(nodes, "a", "b", "c") == [
        ("b", "warning", "merges one input only; connect another"),
        ("c", "error", "Add has no input; connect it to a node"),
    ]


def test_loose_ends_are_warnings() -> None:
    nodes = {"x": INPUT, "spare": INPUT, "y": layer("Dense", "x", units=2), "z": layer("Dense", "y", units=2)}
    assert found(nodes, "y") == [
        ("spare", "warning", "no node uses this Input, and it is not an output"),
        ("z", "warning", "nothing uses what it returns, and it is not an output"),
    ]


def test_a_graph_needs_inputs_and_outputs() -> None:
    assert [message for _, _, message in found({})] == [
        "the model has no Input; add one that has the shape of the data",
        "the model has no outputs; mark the nodes whose results it returns",
    ]


def test_outputs_name_nodes_once() -> None:
    assert [message for _, _, message in found({"x": INPUT}, "x", "x:0", "x", "why")] == [
        "'x' is listed as an output more than once",
        "the output 'why' names no node of the model",
    ]


def test_the_order_of_the_inputs_leaves_none_out() -> None:
    nodes = {"x": INPUT, "y": INPUT}
    assert found(nodes, "x", "y", inputs=("y", "x")) == []
    ((_, severity, message),) = found(nodes, "x", "y", inputs=("y",))
    assert (severity, message) == ("error", "`inputs` must list every Input once: x and y; it lists y")


def test_circles_are_shown_in_the_direction_of_the_data() -> None:
    nodes = {"x": INPUT, "a": layer("Add", "x", "c"), "b": layer("ReLU", "a"), "c": layer("ReLU", "b")}
    circles = [message for place, _, message in found(nodes, "c") if "circle" in message]
    assert len(circles) == 3
    assert set(circles) == {circles[0]}
    assert circles[0].count(" → ") == 3
    assert circles[0] in {
        f"runs in a circle: {way}" for way in ("a → b → c → a", "b → c → a → b", "c → a → b → c")
    }


def test_nested_models_are_looked_into_and_missed_when_nobody_calls_them() -> None:
    inner = Graph(nodes={"a": INPUT, "b": layer("Dense", units=2)}, outputs=("b",))
    findings = found({"x": INPUT}, "x", inner=inner)
    assert findings == [
        ("inner/a", "warning", "no node uses this Input, and it is not an output"),
        ("inner/b", "error", "Dense has no input; connect it to a node"),
        ("inner", "warning", "no node calls this model"),
    ]


def test_models_that_call_each_other_are_found() -> None:
    def calling(other: str) -> Graph:
        return Graph(nodes={"i": INPUT, "o": Node(Call(other), ("i",))}, outputs=("o",))

    findings = structure(
        Experiment(
            data=Data(source="digits"),
            model=calling("one"),
            models={"one": calling("two"), "two": calling("one")},
        )
    )
    assert {finding.graph for finding in findings} == {"one", "two"}
    assert all(isinstance(finding, Finding) and finding.severity is Severity.ERROR for finding in findings)


def test_wording() -> None:
    assert shape_text((None, 8, None, 1)) == "8×?×1"
    assert shape_text((None,)) == "a single number"
    assert (sizes_text(3), sizes_text((3, 5))) == ("3", "3×5")
    assert [count_text(count, "axis") for count in range(3)] == ["no axes", "1 axis", "2 axes"]
    assert [and_text("abc"[:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]
