"""Which array feeds which Input, and what each output is held against."""

import pytest

from kflab.catalog.datasets import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.matching import fitted, input_shape, match
from kflab.experiment import Data
from kflab.graph.nodes import Graph, Layer, Node


def graph(outputs: list[str], **shapes: list[int | None]) -> Graph:
    nodes = {name: Node(Layer("Input", {"shape": shape})) for name, shape in shapes.items()}
    nodes |= {name: Node(Layer("Dense", {"units": 1}), inputs=tuple(shapes)) for name in outputs}
    return Graph(nodes=nodes, outputs=tuple(outputs))


def dataset(inputs: dict[str, tuple[int | None, ...]], *targets: str) -> DatasetInfo:
    return DatasetInfo(
        name="data",
        origin=Origin.FILE,
        summary="",
        inputs=tuple(ArrayInfo(name, shape) for name, shape in inputs.items()),
        targets=tuple(TargetInfo(name, TargetKind.VALUES) for name in targets),
    )


def names(arrays: object) -> dict[str, str]:
    assert isinstance(arrays, dict)
    return {name: array.name for name, array in arrays.items()}


def test_a_lone_array_feeds_a_lone_input_whatever_their_names():
    matching = match(graph(["out"], a=[3]), Data(source="data"), dataset({"x": (3,)}, "y"))
    assert matching.problems == ()
    assert names(matching.inputs) == {"a": "x"}
    assert names(matching.targets) == {"out": "y"}


def test_equal_names_come_before_what_is_left_over():
    info = dataset({"left": (3,), "right": (3,)}, "same")
    matching = match(graph(["same"], right=[3], other=[3]), Data(source="data"), info)
    assert names(matching.inputs) == {"right": "right", "other": "left"}


def test_what_the_document_says_comes_before_equal_names():
    info = dataset({"left": (3,), "right": (3,)}, "same", "kind")
    data = Data(source="data", inputs={"left": "right", "right": "left"}, targets={"out": "kind"})
    matching = match(graph(["out"], left=[3], right=[3]), data, info)
    assert names(matching.inputs) == {"left": "right", "right": "left"}
    assert names(matching.targets) == {"out": "kind"}


def test_an_input_as_target_makes_an_autoencoder():
    info = dataset({"image": (8, 8, 1)}, "digit")
    matching = match(graph(["out"], image=[8, 8, 1]), Data(source="data", targets={"out": "image"}), info)
    assert matching.problems == ()
    assert isinstance(matching.targets["out"], ArrayInfo)


def test_an_array_that_feeds_the_model_is_an_input_as_a_target_too():
    info = dataset({"a": (3,), "b": (3,)}, "a", "b")
    matching = match(graph(["out"], a=[3]), Data(source="data", targets={"out": "a"}), info)
    assert isinstance(matching.targets["out"], ArrayInfo)


def test_two_inputs_and_one_array_are_not_guessed_at():
    info = dataset({"image": (3,)}, "y")
    matching = match(graph(["out"], left=[3], right=[3]), Data(source="data"), info)
    assert matching.inputs == {}
    assert len(matching.problems) == 2
    assert "nothing feeds Input 'left'" in matching.problems[0]
    assert "the inputs image" in matching.problems[0]
    assert "data.inputs" in matching.problems[0]


def test_an_output_that_needs_no_target_gets_none():
    info = dataset({"x": (3,)}, "y")
    matching = match(graph(["first", "second"], x=[3]), Data(source="data"), info, outputs=["second"])
    assert matching.problems == ()
    assert names(matching.targets) == {"second": "y"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            Data(source="data", inputs={"imag": "x"}),
            "data.inputs names 'imag', which is no Input of the model; did you mean image?",
        ),
        (Data(source="data", inputs={"image": "z"}), "'z', which the dataset does not have; it has x"),
        (Data(source="data", targets={"outt": "y"}), "data.targets names 'outt', which is no output"),
        (Data(source="data", targets={"out": "z"}), "'z', which the dataset does not have; it has x, y"),
    ],
)
def test_names_that_do_not_exist_are_told(data: Data, said: str):
    matching = match(graph(["out"], image=[3]), data, dataset({"x": (3,)}, "y"))
    assert any(said in problem for problem in matching.problems), matching.problems


def test_a_shape_that_does_not_fit_is_told_with_both_shapes():
    info = dataset({"image": (28, 28, 1)}, "digit")
    (problem,) = match(graph(["digit"], image=[8, 8, 1]), Data(source="data"), info).problems
    assert "[8, 8, 1]" in problem
    assert "[28, 28, 1]" in problem


@pytest.mark.parametrize(
    ("shape", "wanted", "result"),
    [
        ((28, 28), (28, 28), (28, 28)),
        ((28, 28), (28, 28, 1), (28, 28, 1)),
        ((28, 28, 1), (28, 28), (28, 28)),
        ((1, 28, 1), (28,), (28,)),
        ((28, 28, 1), (784,), (784,)),
        ((28, 28), (None, 28), (28, 28)),
        ((200,), (None,), (200,)),
        ((), (1,), (1,)),
        ((28, 28), (None, None, 1), (28, 28, 1)),
        ((28, 28), (14, 56), None),
        ((28, 28), (785,), None),
        ((8, 8, 1), (28, 28, 1), None),
        ((784,), (28, 28), None),
        ((3, 1, 5), (5, 3), None),
    ],
)
def test_samples_fit_an_input_when_no_number_changes_its_place(shape, wanted, result):
    assert fitted(shape, wanted) == result


def test_the_shape_of_an_input_leaves_the_batch_axis_out():
    of = {
        "plain": Layer("Input", {"shape": [8, 8]}),
        "batch": Layer("Input", {"batch_shape": [None, 5]}),
        "number": Layer("Input", {"shape": 4}),
        "none": Layer("Input", {}),
    }
    graph = Graph(nodes={name: Node(layer) for name, layer in of.items()})
    assert {name: input_shape(graph, name) for name in of} == {
        "plain": (8, 8),
        "batch": (5,),
        "number": (4,),
        "none": None,
    }


def test_an_output_is_held_against_the_array_of_its_name_that_feeds_nothing():
    info = dataset({"z": (8,), "image": (28, 28, 1)}, "z")
    matching = match(graph(["image"], z=[8]), Data(source="data"), info)
    assert matching.problems == ()
    assert names(matching.targets) == {"image": "image"}
    info = dataset({"x": (8,), "box": (4,)}, "label")
    matching = match(graph(["box", "label"], x=[8]), Data(source="data"), info)
    assert matching.problems == ()
    assert names(matching.targets) == {"box": "box", "label": "label"}
