"""Descriptions of models read without Keras: old formats, odd names, damaged and hostile files."""

from __future__ import annotations

import contextlib
import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kflab import document
from kflab.experiment import EVERY_OUTPUT, Experiment, Spec
from kflab.graph.nodes import Call, Layer, Op, Share
from kflab.imports import ImportRefusedError, archive, config

KERAS = {"registered_name": None}


def layer(name: str, class_name: str, arguments: dict[str, Any], *calls: Any) -> dict[str, Any]:
    """A layer as Keras 3 serialises it."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, **arguments},
        "registered_name": None,
        "name": name,
        "inbound_nodes": list(calls),
    }


def tensor(name: str, call: int = 0, output: int = 0) -> dict[str, Any]:
    history = [name, call, output]
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": history},
    }


def call(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"args": list(args), "kwargs": kwargs}


def functional(
    *layers: dict[str, Any], inputs: Any, outputs: Any, name: str = "made", **more: Any
) -> dict[str, Any]:
    made = {
        "name": name,
        "trainable": True,
        "layers": list(layers),
        "input_layers": inputs,
        "output_layers": outputs,
    }
    return {
        "module": "keras",
        "class_name": "Functional",
        "config": made,
        "registered_name": "Functional",
        **more,
    }


def source(name: str = "x", shape: tuple[int | None, ...] = (None, 4)) -> dict[str, Any]:
    return layer(name, "InputLayer", {"batch_shape": list(shape), "dtype": "float32"})


def read(described: dict[str, Any], **options: Any) -> Experiment:
    experiment = config.read(described, **options).experiment
    assert document.read_text(document.dump(experiment)) == experiment
    return experiment


FED = tensor("x")
ZEROS = {"module": "keras.initializers", "class_name": "Zeros", "config": {}}
CHAIN = functional(
    source(),
    layer("hidden", "Dense", {"units": 8, "activation": "relu", "bias_initializer": ZEROS}, call(FED)),
    layer("y", "Dense", {"units": 3, "activation": "softmax", "use_bias": False}, call(tensor("hidden"))),
    inputs=[["x", 0, 0]],
    outputs=[["y", 0, 0]],
    compile_config={
        "optimizer": {"class_name": "Adam", "config": {"learning_rate": 0.009999999776482582, "beta_1": 0.9}},
        "loss": {"y": {"class_name": "BinaryCrossentropy", "config": {"from_logits": True}}},
        "loss_weights": [0.5],
        "metrics": [["accuracy", {"class_name": "AUC", "config": {"name": "auc"}}]],
    },
)  # fmt: skip


def test_only_what_differs_from_the_default_is_written() -> None:
    nodes = read(CHAIN).model.nodes
    assert nodes["hidden"].target == Layer("Dense", {"units": 8, "activation": "relu"})
    assert nodes["y"].target == Layer("Dense", {"units": 3, "activation": "softmax", "use_bias": False})
    assert nodes["x"].target == Layer("Input", {"shape": [4]})
    training = read(CHAIN).training
    assert training.optimizer == Spec("Adam", {"learning_rate": 0.01})
    assert training.loss == {"y": Spec("BinaryCrossentropy", {"from_logits": True})}
    assert training.metrics == {EVERY_OUTPUT: (Spec("accuracy"), Spec("AUC"))}
    assert training.loss_weights == {"y": 0.5}


def test_a_layer_that_is_called_again_is_shared_and_its_calls_are_told_apart() -> None:
    experiment = read(
        functional(
            source("a"),
            source("b"),
            layer("one", "Dense", {"units": 4}, call(tensor("b")), call(tensor("a"))),
            layer("both", "Add", {}, call([tensor("one", 1), tensor("one", 0)])),
            inputs=[["b", 0, 0], ["a", 0, 0]],
            outputs=[["both", 0, 0]],
        )
    )
    nodes = experiment.model.nodes
    assert nodes["one"].inputs == ("b",)
    assert nodes["one_1"].target == Share("one")
    assert nodes["one_1"].inputs == ("a",)
    assert nodes["both"].inputs == ("one_1", "one")
    assert experiment.model.input_names() == ("b", "a")


def test_the_description_of_keras_2_is_read() -> None:
    """Lists of lists for calls, batch_input_shape, arguments by their old names, and calls counted from 1."""

    def old(name: str, class_name: str, arguments: dict[str, Any], *calls: Any) -> dict[str, Any]:
        made = {"name": name, "trainable": True, "dtype": "float32", **arguments}
        return {"class_name": class_name, "config": made, "name": name, "inbound_nodes": list(calls)}

    inner = {
        "class_name": "Functional",
        "name": "inner",
        "config": {
            "name": "inner",
            "layers": [
                old("in", "InputLayer", {"batch_input_shape": [None, 8], "sparse": False, "ragged": False}),
                old("out", "LeakyReLU", {"alpha": 0.2}, [["in", 0, 0, {}]]),
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["out", 0, 0]],
        },
        "inbound_nodes": [[["dense/1", 0, 0, {}]], [["twice", 0, 0, {}]]],
    }
    normal = {"class_name": "HeNormal", "config": {"seed": 3}}
    bounds = [{"start": None, "stop": None, "step": None}, {"start": 0, "stop": 4, "step": None}]
    part = {"slice_spec": bounds}
    model = {
        "class_name": "Model",
        "keras_version": "2.8.0",
        "backend": "tensorflow",
        "config": {
            "name": "old",
            "layers": [
                old("x", "InputLayer", {"batch_input_shape": [None, 6], "sparse": False}),
                old("dense/1", "Dense", {"units": 8, "kernel_initializer": normal}, [["x", 0, 0, {}]]),
                old("twice", "TFOpLambda", {"function": "math.multiply"}, ["dense/1", 0, 0, {"y": 2.0}]),
                inner,
                old("bn", "BatchNormalization", {"axis": [1], "momentum": 0.9}, [["inner", 1, 0, {}]]),
                old("sum", "Add", {}, [["bn", 0, 0, {}], ["inner", 2, 0, {}]]),
                old("part", "SlicingOpLambda", {"function": "__operators__.getitem"}, ["sum", 0, 0, part]),
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["part", 0, 0]],
        },
    }  # fmt: skip
    imported = config.read(model)
    nodes = imported.experiment.model.nodes
    assert nodes["dense_1"].target == Layer(
        "Dense", {"units": 8, "kernel_initializer": {"HeNormal": {"seed": 3}}}
    )
    assert nodes["twice"].target == Op("ops.multiply", {"x2": 2.0})
    assert nodes["inner"].target == Call("inner")
    assert nodes["inner_1"].inputs == ("twice",)
    assert nodes["sum"].inputs == ("bn", "inner_1")
    assert nodes["part"].target == Op("ops.get_item", {"key": ":, 0:4"})
    assert nodes["bn"].target == Layer("BatchNormalization", {"axis": 1, "momentum": 0.9})
    assert imported.experiment.models["inner"].nodes["out"].target == Layer(
        "LeakyReLU", {"negative_slope": 0.2}
    )
    assert [note.message for note in imported.notes] == [
        "names that no document can have were changed: 'dense/1' is 'dense_1'"
    ]


def test_a_sequential_model_needs_a_shape() -> None:
    layers = [layer("y", "Dense", {"units": 3})]
    described = {"class_name": "Sequential", "config": {"name": "chain", "layers": layers}}
    with pytest.raises(ImportRefusedError, match="was not built, so nothing says the shape of its input"):
        read(described)
    nodes = read({**described, "build_config": {"input_shape": [None, 7]}}).model.nodes
    assert nodes["input"].target == Layer("Input", {"shape": [7]})
    assert nodes["y"].inputs == ("input",)


def test_nested_models_of_one_name_keep_apart_and_one_that_two_call_is_one() -> None:
    def inner(units: int, *calls: Any, shared: int | None = None) -> dict[str, Any]:
        made = functional(
            source("in"),
            layer("out", "Dense", {"units": units}, call(tensor("in"))),
            inputs=["in", 0, 0],
            outputs=["out", 0, 0],
            name="inner",
        )
        more = {"shared_object_id": shared} if shared else {}
        return {**made, "name": "inner", "inbound_nodes": list(calls), **more}

    def around(name: str, core: dict[str, Any], fed: str) -> dict[str, Any]:
        made = functional(source("in"), core, inputs=["in", 0, 0], outputs=["inner", 1, 0], name=name)
        return {**made, "name": name, "inbound_nodes": [call(tensor(fed))]}

    def model(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        return functional(
            source(), around("first", one, "x"), around("second", other, "first"),
            inputs=["x", 0, 0], outputs=["second", 1, 0],
        )  # fmt: skip

    apart = read(model(inner(4, call(tensor("in"))), inner(4, call(tensor("in")))))
    assert list(apart.models) == ["first", "inner", "second", "inner_1"]
    shared = read(model(inner(4, call(tensor("in")), shared=7), inner(4, call(tensor("in")), shared=7)))
    assert list(shared.models) == ["first", "inner", "second"]
    assert shared.models["second"].nodes["inner"].target == Call("inner")


def test_a_layer_that_stands_in_two_models_is_refused() -> None:
    """Keras marks a layer where it meets it again; two sets of weights would be another model."""
    dense = layer("shared", "Dense", {"units": 4}, call(tensor("in")))
    inner = functional(source("in"), dense, inputs=["in", 0, 0], outputs=["shared", 0, 0], name="inner")
    again = layer("shared", "Dense", {"units": 4}, call(tensor("x")))
    model = functional(
        source(),
        {**inner, "name": "inner", "inbound_nodes": [call(tensor("x"))]},
        again | {"shared_object_id": 5},
        inputs=["x", 0, 0],
        outputs=[["inner", 1, 0], ["shared", 0, 0]],
    )
    with pytest.raises(ImportRefusedError, match="shared is the same layer as inner/shared"):
        config.read(model)
    apart = functional(*model["config"]["layers"][:2], again, inputs=["x", 0, 0], outputs=[["shared", 0, 0]])
    assert list(read(apart).models) == ["inner"]


def test_an_einsum_that_needs_more_than_a_matrix_product_is_refused() -> None:
    def model(equation: str) -> dict[str, Any]:
        sums = layer("sums", "Einsum", {"subscripts": equation}, call(tensor("a"), tensor("b")))
        sums |= {"module": "keras.src.ops.numpy", "registered_name": "Einsum"}
        inputs = [["a", 0, 0], ["b", 0, 0]]
        return functional(source("a"), source("b"), sums, inputs=inputs, outputs=["sums", 0, 0])

    assert read(model("ab,cb->ac")).model.nodes["sums"].target == Op("ops.matmul")
    for equation in ("ab,ab->a", "aab,bc->ac", "...b,bc->...c", "abd,bdc->ac", "nonsense"):
        with pytest.raises(ImportRefusedError, match="Einsum has no function of"):
            config.read(model(equation))


def test_what_holds_code_is_refused_by_name() -> None:
    own = layer("mine", "Sampling", {}, call(tensor("x")))
    own |= {"module": "project.layers", "registered_name": "mine>Sampling"}
    function = {
        "module": "builtins",
        "class_name": "function",
        "config": "my_activation",
        "registered_name": "function",
    }
    model = functional(
        source(),
        own,
        layer("code", "Lambda", {"function": {"class_name": "__lambda__"}}, call(tensor("mine"))),
        layer("active", "Dense", {"units": 3, "activation": function}, call(tensor("code"))),
        inputs=["x", 0, 0],
        outputs=["active", 0, 0],
    )  # fmt: skip
    with pytest.raises(ImportRefusedError) as refused:
        config.read(model, file="a.keras")
    message = str(refused.value)
    assert message.startswith("a.keras: ")
    for part in (
        "mine: mine>Sampling is no layer of Keras",
        "code: Lambda holds code",
        "activation 'my_activation'",
    ):
        assert part in message


def test_a_model_of_somebodys_own_class_needs_trust() -> None:
    own = {**CHAIN, "class_name": "Trainer", "module": "project", "registered_name": "project>Trainer"}
    with pytest.raises(ImportRefusedError, match=r"class of its own \(project>Trainer\)"):
        config.read(own)
    imported = config.read(own, unsafe=True)
    assert imported.experiment.model == read(CHAIN).model
    assert "what its own code does" in imported.notes[0].message


def of_one(made: dict[str, Any]) -> dict[str, Any]:
    return functional(made, source(), inputs=["x", 0, 0], outputs=["a", 0, 0])


CIRCLE = functional(
    layer("a", "Dense", {"units": 1}, call(tensor("b"))),
    layer("b", "Dense", {"units": 1}, call(tensor("a"))),
    inputs=[],
    outputs=[["a", 0, 0]],
)
BROKEN: list[tuple[Any, str]] = [
    ({}, "neither class_name and config nor layers"),
    ({"class_name": "Functional"}, "has no config"),
    ({"class_name": "Functional", "config": {"layers": 3, "input_layers": []}}, "has no layers"),
    (functional(source(), inputs=[["y", 0, 0]], outputs=[["x", 0, 0]]), "call 0 of 'y'"),
    (CIRCLE, "runs in a circle"),
    (of_one(layer("a", "Conv9D", {}, call(tensor("x")))), "Conv9D is no layer of Keras"),
    (of_one(layer("a", "Dense", {"units": "many"}, call(tensor("x")))), "expected a whole number"),
]


@pytest.mark.parametrize(("described", "words"), BROKEN)
def test_what_is_no_model_is_refused_with_the_reason(described: dict[str, Any], words: str) -> None:
    with pytest.raises(ImportRefusedError, match=words):
        config.read(described)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_description_is_refused_and_never_crashes(data: st.DataObject) -> None:
    """One value anywhere in a description is another one: it comes in all the same, or is refused."""
    described = copy.deepcopy(CHAIN)
    place: Any = described
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 4)):
            place = place[key]
            continue
        odd = st.sampled_from(
            [None, 3, -1, 1e400, "x", "Dense", [], {}, True, [["x", 0, 0]], {"class_name": "Dense"}]
        )
        place[key] = data.draw(odd)
        break
    with contextlib.suppress(ImportRefusedError):
        read(described)


def archived(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_a_keras_file_is_read_zipped_unzipped_and_as_json(tmp_path: Path) -> None:
    text = json.dumps(CHAIN).encode()
    zipped = archived(tmp_path / "a.keras", {"config.json": text, "model.weights.h5": b"x"})
    folder = tmp_path / "folder.keras"
    folder.mkdir()
    (folder / "config.json").write_bytes(text)
    (tmp_path / "a.json").write_bytes(text)
    (tmp_path / "twice.json").write_text(json.dumps(json.dumps(CHAIN)))
    assert archive.read(zipped).has_weights
    for path in (zipped, folder, tmp_path / "a.json", tmp_path / "twice.json"):
        assert read(dict(archive.read(path).config)) == read(CHAIN)


def test_hostile_and_damaged_files_are_refused(tmp_path: Path) -> None:
    damaged = bytearray(
        archived(tmp_path / "a.keras", {"config.json": json.dumps(CHAIN).encode()}).read_bytes()
    )
    damaged[60:120] = bytes(60)
    cases: list[tuple[str, bytes | dict[str, bytes], str]] = [
        ("bomb.keras", {"config.json": b" " * 70_000_000}, "larger than 64 MB"),
        ("deep.keras", {"config.json": b"[" * 100_000}, "nested deeper"),
        ("deep.json", b'{"a":' * 100_000, "nested deeper"),
        ("none.keras", {"other.json": b"{}"}, "has no config.json"),
        ("text.keras", b"hello", "no zip archive"),
        ("cut.json", b'{"class_name": ', "no JSON"),
        ("list.json", b"[1, 2]", "expected the JSON of a model"),
        ("bytes.json", b"\xff\xfe\x00", "UTF-8|no JSON"),
        ("damaged.keras", bytes(damaged), "damaged"),
    ]
    for name, content, words in cases:
        path = tmp_path / name
        if isinstance(content, dict):
            archived(path, content)
        else:
            path.write_bytes(content)
        with pytest.raises(ImportRefusedError, match=words):
            archive.read(path)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    with pytest.raises(ImportRefusedError, match="SavedModel"):
        archive.read(tmp_path / "saved")
    with pytest.raises(ImportRefusedError, match="No such file"):
        archive.read(tmp_path / "nowhere.json")


def test_a_thousand_layers_come_in() -> None:
    layers = [source("d0")]
    layers += [
        layer(f"d{index}", "Dense", {"units": 4}, call(tensor(f"d{index - 1}"))) for index in range(1, 3001)
    ]
    experiment = config.read(functional(*layers, inputs=["d0", 0, 0], outputs=["d3000", 0, 0])).experiment
    assert len(experiment.model.nodes) == 3001
    assert list(experiment.model.nodes)[-1] == "d3000"
