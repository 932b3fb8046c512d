"""The code of an experiment makes the same model, from the same samples, with the same weights."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kflab import catalog, document, presets
from kflab.catalog import Kind
from kflab.catalog.datasets import Origin, describe
from kflab.cli import run
from kflab.code.objects import short_name
from kflab.code.scripts import Script, write
from kflab.engine.build import build
from kflab.engine.objects import find
from kflab.engine.stateless import without_weights
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share
from kflab.values import Value
from tests.keras.loops import trained


def preset(name: str) -> Experiment:
    return document.read(presets.path(name))


OFFLINE = [name for name in presets.names() if describe(preset(name).data).origin is not Origin.DOWNLOAD]

SUMMED_BY_THREADS = {"tickets": 1e-6}
"""Where two trainings by kflab itself differ, too: gradients of an Embedding are summed in any order."""


VALIDATED = {"digits_branches", "digits_siamese", "digits_autoencoder"}
"""Where samples are held back to validate, too; to build that function takes as long as all the rest."""


ALONE = "digits_siamese"
"""The preset whose script is run in a process of its own: it has shared layers, operations and two inputs."""


def brief(experiment: Experiment, *, validated: bool = True) -> Experiment:
    """The same experiment for one epoch of a few samples."""
    validation = experiment.data.validation if validated else 0
    return msgspec.structs.replace(
        experiment,
        data=msgspec.structs.replace(experiment.data, limit=96, validation=validation),
        training=msgspec.structs.replace(experiment.training, epochs=1),
    )


def executed(script: Script, *, last: str = "Test", folder: Path | None = None) -> dict[str, Any]:
    """The variables of a script after its sections were run, up to the one that is `last`."""
    keras.utils.clear_session()
    variables: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        if folder is not None:
            stack.enter_context(contextlib.chdir(folder))
        for section in script.sections:
            exec(compile(section.block.text, section.title or "imports", "exec"), variables)
            if section.title == last:
                break
    return variables


def same_weights(one: keras.Model, other: keras.Model, difference: float = 0.0) -> None:
    assert len(one.variables) == len(other.variables)
    for ours, theirs in zip(one.variables, other.variables, strict=True):
        if difference:
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=difference)
        else:
            assert np.array_equal(ours.numpy(), theirs.numpy()), ours.path


# One with several inputs and outputs, one with a nested model, one in time and one with a table.
EVERY_DAY = {"digits_autoencoder", "iris_mlp", "sine_forecast"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in EVERY_DAY else pytest.mark.slow)
        for name in OFFLINE
        if name != ALONE
    ],
)
def test_a_script_trains_to_the_same_weights_as_a_run(name: str, tmp_path: Path) -> None:
    experiment = brief(preset(name), validated=name in VALIDATED)
    ours = trained(experiment, tmp_path)
    theirs = executed(write(experiment), last="Training", folder=tmp_path)["model"]
    assert theirs.get_config() == ours.get_config()
    assert theirs.count_params() == ours.count_params()
    assert set(theirs.history.history) == set(ours.history.history)
    same_weights(ours, theirs, SUMMED_BY_THREADS.get(name, 0.0))


@pytest.mark.parametrize("name", presets.names())
def test_a_script_builds_the_same_model_as_every_preset(name: str) -> None:
    experiment = preset(name)
    script = write(experiment)
    (section,) = [section for section in script.sections if section.title == "Model"]

    def make() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        keras.utils.clear_session()
        ours = build(experiment).get_config()
        keras.utils.clear_session()
        variables: dict[str, Any] = {}
        exec(script.sections[0].block.text + section.block.text, variables)
        return ours, variables["model"].get_config()

    ours, theirs = without_weights(make)
    assert ours == theirs


def test_a_script_runs_where_kflab_is_not(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    experiment = brief(preset(ALONE))
    (tmp_path / "short.yaml").write_text(document.dump(experiment), encoding="utf-8")
    assert run(["code", str(tmp_path / "short.yaml"), "-o", str(tmp_path / "short.py")]) == 0
    assert "kflab" not in (tmp_path / "short.py").read_text(encoding="utf-8")
    alone = "import runpy, sys; sys.modules['kflab'] = None; runpy.run_path('short.py', run_name='__main__')"
    subprocess.run([sys.executable, "-c", alone], cwd=tmp_path, check=True, capture_output=True, timeout=200)
    same_weights(trained(experiment, tmp_path), keras.models.load_model(tmp_path / "model.keras"))


def test_the_command_prints_a_script_and_tells_what_is_wrong(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["code", "iris_mlp", "--set", "training.epochs=3"]) == 0
    printed = capfd.readouterr().out
    assert "epochs=3" in printed
    compile(printed, "script", "exec")
    target = tmp_path / "iris.ipynb"
    assert run(["code", "iris_mlp", "-o", str(target)]) == 0
    assert '"nbformat": 4' in target.read_text(encoding="utf-8")
    assert run(["code", "iris_mlp", "-o", str(target)]) == 2
    assert "--force" in capfd.readouterr().err
    assert run(["code", "iris_mlp", "-o", str(target), "--force"]) == 0
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "kflab: 1\ndata: {source: iris}\nmodel:\n  nodes:\n    x: {Input: {shape: [4]}}\n"
        "    y: {Conv2D: {filters: 3, kernel_size: 3}, from: x}\n  outputs: [y]\ntraining: {loss: Huber}\n"
    )
    assert run(["code", str(wrong)]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert re.search(r"wrong.yaml: y: KF\d+ .*4", err)


MODULES = {
    Kind.INITIALIZER: keras.initializers,
    Kind.REGULARIZER: keras.regularizers,
    Kind.CONSTRAINT: keras.constraints,
    Kind.LOSS: keras.losses,
    Kind.OPTIMIZER: keras.optimizers,
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in MODULES for name in catalog.load().names(kind)]
)
def test_keras_knows_the_short_names_that_scripts_use(kind: Kind, name: str) -> None:
    entry = catalog.load().get(kind, name)
    short = short_name(entry)
    if short and not any(argument.required for argument in entry.arguments):
        found = MODULES[kind].get(short)
        assert callable(found) or type(found) is find(kind, name)


# Random graphs

NAMES = [
    "class",
    "x-1",
    "layers",
    "a.b",
    "x",
    "X",
    "model",
    "np",
    "keras",
    "print",
    "2d",
    "named",
    "o_",
    "i.1",
]
WIDTH = 4
DENSE: list[dict[str, Value]] = [
    {"units": WIDTH},
    {"units": WIDTH, "activation": "relu", "kernel_initializer": "he_normal"},
    {
        "units": WIDTH,
        "kernel_initializer": {"RandomNormal": {"stddev": 0.02}},
        "bias_initializer": "Constant",
    },
    {"units": WIDTH, "kernel_regularizer": {"L1L2": {"l1": 1e-4, "l2": 1e-3}}, "use_bias": False},
    {"units": WIDTH, "activation": {"leaky_relu": {"negative_slope": 0.1}}, "trainable": False},
    {"units": WIDTH, "kernel_constraint": {"MaxNorm": {"max_value": 3}}, "dtype": "float64"},
]


@st.composite
def graphs(  # noqa: C901
    draw: st.DrawFn, names: st.SearchStrategy[str], models: tuple[str, ...] = ()
) -> Graph:
    """A graph whose tensors all have four features, but for an Input that is a sequence of them."""
    taken = draw(st.lists(names, min_size=4, max_size=9, unique_by=str.lower))
    first, sequence, *others = taken
    nodes = {first: Node(Layer("Input", {"shape": [WIDTH]}))}
    if models:
        nodes[sequence] = Node(Layer("Input", {"shape": [None, WIDTH]}))
    flat = [first]
    own: list[str] = []
    for name in others:
        one, two = draw(st.sampled_from(flat)), draw(st.sampled_from(flat))
        kinds = ["dense", "dropout", "add", "op", "number", "bigger"]
        kinds += ["share"] * bool(own) + ["call"] * bool(models) + ["read"] * bool(models)
        kind = draw(st.sampled_from(kinds))
        node = Node(Layer("Dropout", {"rate": 0.25}), inputs=(one,))
        if kind == "dense":
            node = Node(Layer("Dense", draw(st.sampled_from(DENSE))), inputs=(one,))
            own.append(name)
        elif kind == "add":
            node = Node(Layer(draw(st.sampled_from(["Add", "Average", "Maximum"]))), inputs=(one, two))
        elif kind == "op":
            node = Node(Op(draw(st.sampled_from(["ops.add", "ops.multiply"]))), inputs=(one, two))
        elif kind == "number":
            node = Node(Op("ops.multiply", {"x2": 0.5}), inputs=(one,))
        elif kind == "bigger":
            node = Node(Op("ops.concatenate", {"axis": -1}), inputs=(one, two))
        elif kind == "share":
            node = Node(Share(draw(st.sampled_from(own))), inputs=(one,), call={"training": False})
        elif kind == "call":
            node = Node(Call(draw(st.sampled_from(models))), inputs=(one,))
        elif kind == "read":
            node = Node(
                Layer("LSTM", {"units": WIDTH, "return_state": True}),
                inputs=(sequence,),
                named={"initial_state": (one, two)},
            )
            flat.append(f"{name}:{draw(st.integers(1, 2))}")
        nodes[name] = node
        if kind != "bigger":
            flat.append(name)
    outputs = draw(st.lists(st.sampled_from([*nodes][1:]), min_size=1, max_size=3, unique=True))
    inputs = [name for name in (first, sequence) if name in nodes]
    outputs = [name for name in outputs if name not in inputs] or [others[-1]]
    return Graph(
        name=draw(st.sampled_from(["model", "my-net", "class"])),
        nodes=nodes,
        outputs=tuple(outputs),
        trainable=draw(st.booleans()) if not models else True,
    )


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    names = st.sampled_from(NAMES)
    inner = draw(graphs(names))
    one = msgspec.structs.replace(inner, outputs=inner.outputs[:1])
    first = next(iter(one.nodes))
    if one.outputs[0] in {
        name for name, node in one.nodes.items() if node.target == Op("ops.concatenate", {"axis": -1})
    }:
        one = msgspec.structs.replace(
            one,
            nodes={**one.nodes, "end": Node(Layer("Dense", {"units": WIDTH}), inputs=one.outputs)},
            outputs=("end",),
        )
    outer = Graph(
        nodes={"in": one.nodes[first], "deep-er": Node(Call("in.ner"), inputs=("in",))}, outputs=("deep-er",)
    )
    main = draw(graphs(names, ("in.ner", "outer")))
    return Experiment(data=Data(), model=main, models={"outer": outer, "in.ner": one})


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(experiments())
def test_code_builds_the_same_model_as_any_graph(experiment: Experiment) -> None:
    script = write(experiment)

    def make() -> list[keras.Model]:
        keras.utils.clear_session()
        ours = build(experiment)
        return [ours, executed(script)["model"]]

    ours, theirs = without_weights(make)
    assert theirs.get_config() == ours.get_config()
    assert theirs.count_params() == ours.count_params()
    assert [weight.path for weight in theirs.trainable_weights] == [
        weight.path for weight in ours.trainable_weights
    ]
    # Where there is one output, nothing is called by its name.
    assert len(ours.outputs) == 1 or theirs.output_names == ours.output_names
