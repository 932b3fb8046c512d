"""Applying fixes: each step does what it says, and one that no longer fits is refused."""

from __future__ import annotations

import msgspec
import pytest

from kflab import document
from kflab.diagnose import fixes
from kflab.diagnose.fixes import Fix, Step
from kflab.diagnose.fixing import apply, apply_as_edit
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.nodes import Layer, Op, Share
from kflab.values import Value

TEXT = """
kflab: 1
data: {source: digits}
model:
  nodes:
    x: {Input: {shape: [8, 8, 1]}}
    a: {Conv2D: {filters: 4, kernel_size: 3, padding: same}, from: x}
    b: {share: shared, from: a}
    shared: {Conv2D: {filters: 4, kernel_size: 3, padding: same}, from: a}
    norm: {BatchNormalization: {}, from: b}
    added: {Add: {}, from: [norm, shared]}
    flat: {Flatten: {}, from: added}
    y: {Dense: {units: 10, activation: softmax}, from: flat}
    spare: {Dense: {units: 2}, from: flat}
  outputs: [y]
models:
  unused:
    nodes:
      i: {Input: {shape: [2]}}
      o: {Dense: {units: 2}, from: i}
    outputs: [o]
training:
  optimizer: Adam
  loss: {y: SparseCategoricalCrossentropy}
  metrics: {y: [accuracy, {TopKCategoricalAccuracy: {k: 2}}]}
  callbacks:
    EarlyStopping: {patience: 3}
"""


@pytest.fixture
def experiment() -> Experiment:
    return document.read_text(TEXT)


def applied(experiment: Experiment, *steps: Step) -> Experiment:
    fixed = apply(experiment, Fix("mend it", steps))
    assert document.read_text(document.dump(fixed)) == fixed
    return fixed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training.epochs", 3),
        ("training.optimizer.Adam.learning_rate", 0.1),
        ("training.callbacks.EarlyStopping.patience", 9),
        ("training.metrics.y.TopKCategoricalAccuracy.k", 3),
        ("training.metrics.y.1", "mae"),
        ("training.loss.y", "CategoricalCrossentropy"),
        ("data.limit", 100),
        ("model.nodes.y.Dense.units", 7),
        ("model.nodes.norm.BatchNormalization.momentum", 0.5),
    ],
)
def test_a_setting_gets_a_value(experiment: Experiment, path: str, value: Value):
    keys = tuple(path.split("."))
    assert fixed_value(applied(experiment, fixes.Assign(keys, value)), keys) == value


def fixed_value(experiment: Experiment, keys: tuple[str, ...]) -> Value:
    plain: Value = document.encode(experiment)
    for key in keys:
        if isinstance(plain, list):
            named = [item for item in plain if isinstance(item, dict) and list(item) == [key]]
            plain = named[0][key] if named else plain[int(key)]
        else:
            assert isinstance(plain, dict)
            plain = plain[key]
    return plain


def test_a_setting_is_taken_away(experiment: Experiment):
    fixed = applied(
        experiment,
        fixes.Assign(("training", "callbacks", "EarlyStopping"), None),
        fixes.Assign(("training", "metrics", "y", "accuracy"), None),
    )
    assert fixed.training.callbacks == ()
    assert [metric.name for metric in fixed.training.metrics["y"]] == ["TopKCategoricalAccuracy"]


def test_a_section_that_was_not_there_is_made(experiment: Experiment):
    fixed = applied(experiment, fixes.Assign(("data", "prepare", "image"), [{"Rescaling": {"scale": 0.5}}]))
    assert fixed.data.prepare["image"][0].name == "Rescaling"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "model.nodes.gone.Dense.units",
        "model.nodes.y.Conv2D.filters",
        "models.gone.nodes.i.Input.shape",
        "training.callbacks.ModelCheckpoint.filepath",
        "training.optimizer.SGD.learning_rate",
        "training.metrics.y.7",
        "training.epochs.more",
        "training.no_such_setting",
        "no_such_section.setting",
    ],
)
def test_a_setting_that_leads_nowhere_is_refused(experiment: Experiment, path: str):
    with pytest.raises(KflabError):
        apply(experiment, Fix("mend it", (fixes.Assign(tuple(path.split(".")) if path else (), 1),)))


def test_nodes_that_a_setting_does_not_change_stay_the_same_objects(experiment: Experiment):
    fixed = applied(experiment, fixes.Assign(("model", "nodes", "y", "Dense", "units"), 7))
    kept = [name for name, node in fixed.model.nodes.items() if node is experiment.model.nodes[name]]
    assert kept == [name for name in experiment.model.nodes if name != "y"]
    assert applied(experiment, fixes.Assign(("training", "epochs"), 2)).model is experiment.model


def test_arguments_of_a_layer_are_set_together(experiment: Experiment):
    fixed = applied(experiment, fixes.SetArguments("y", {"units": 3, "use_bias": False}, ("activation",)))
    assert fixed.model.nodes["y"].target == Layer("Dense", {"units": 3, "use_bias": False})
    shared = applied(experiment, fixes.SetArguments("b", {"filters": 8}))
    target = shared.model.nodes["shared"].target
    assert isinstance(target, Layer)
    assert target.arguments["filters"] == 8


def test_arguments_of_the_call_are_set(experiment: Experiment):
    fixed = applied(experiment, fixes.SetCall("norm", {"training": False}))
    assert fixed.model.nodes["norm"].call == {"training": False}
    assert applied(fixed, fixes.SetCall("norm", reset=("training",))).model.nodes["norm"].call == {}


def test_a_node_is_put_in(experiment: Experiment):
    behind = applied(experiment, fixes.InsertAfter("a", "Activation", {"activation": "relu"}, name="relu"))
    assert behind.model.nodes["relu"].inputs == ("a",)
    assert behind.model.nodes["b"].inputs == behind.model.nodes["shared"].inputs == ("relu",)
    edge = applied(experiment, fixes.InsertBefore("added", "ops.negative", position=1, name="minus"))
    assert edge.model.nodes["added"].inputs == ("norm", "minus")
    assert edge.model.nodes["minus"].target == Op("ops.negative")


def test_a_node_calls_another_layer(experiment: Experiment):
    fixed = applied(experiment, fixes.Replace("added", "Concatenate", {"axis": -1}))
    assert fixed.model.nodes["added"].target == Layer("Concatenate", {"axis": -1})


def test_edges_are_changed(experiment: Experiment):
    assert applied(experiment, fixes.Connect("added", "a")).model.nodes["added"].inputs == (
        "norm",
        "shared",
        "a",
    )
    assert applied(experiment, fixes.Disconnect("added", 0)).model.nodes["added"].inputs == ("shared",)
    assert applied(experiment, fixes.Reconnect("added", 1, "a")).model.nodes["added"].inputs == ("norm", "a")
    with pytest.raises(KflabError, match="circle"):
        apply(experiment, Fix("mend it", (fixes.Reconnect("a", 0, "added"),)))


def test_a_node_is_moved(experiment: Experiment):
    fixed = applied(experiment, fixes.MoveBehind("norm", "flat"))
    assert fixed.model.nodes["flat"].inputs == ("added",)
    assert fixed.model.nodes["norm"].inputs == ("flat",)
    assert fixed.model.nodes["y"].inputs == ("norm",)
    assert fixed.model.nodes["added"].inputs == ("b", "shared")
    with pytest.raises(KflabError):
        apply(experiment, Fix("mend it", (fixes.MoveBehind("shared", "flat"),)))


def test_a_node_is_renamed_with_all_that_names_it(experiment: Experiment):
    edited = apply_as_edit(experiment, Fix("call it digit", (fixes.Rename("y", "digit"),)), "y")
    assert edited.experiment.model.outputs == ("digit",)
    assert list(edited.experiment.training.loss) == ["digit"]
    assert (edited.name, edited.node, edited.renamed) == ("call it digit", "digit", {"y": "digit"})


def test_layers_are_frozen_and_trained_again(experiment: Experiment):
    frozen = applied(experiment, fixes.Freeze(("a", "y")))
    target = frozen.model.nodes["a"].target
    assert isinstance(target, Layer)
    assert target.arguments["trainable"] is False
    assert applied(frozen, fixes.Freeze(("a", "y"), frozen=False)) == experiment


def test_a_layer_is_shared_and_unshared(experiment: Experiment):
    own = applied(experiment, fixes.Unshare("b"))
    assert isinstance(own.model.nodes["b"].target, Layer)
    assert applied(own, fixes.ShareLayer("b", "shared")).model.nodes["b"].target == Share("shared")


def test_outputs_and_nodes_come_and_go(experiment: Experiment):
    both = applied(experiment, fixes.SetOutput("spare"))
    assert both.model.outputs == ("y", "spare")
    assert applied(both, fixes.SetOutput("spare", output=False)) == experiment
    assert "spare" not in applied(experiment, fixes.Remove("spare")).model.nodes
    assert applied(experiment, fixes.RemoveModel("unused")).models == {}


@pytest.mark.parametrize(
    "step",
    [
        fixes.SetArguments("gone", {"units": 3}),
        fixes.SetArguments("y", {"no_such": 3}),
        fixes.SetArguments("y", {"units": "three"}),
        fixes.SetCall("x", {"training": False}),
        fixes.InsertAfter("gone", "Dense", {"units": 2}),
        fixes.InsertAfter("y", "NoSuchLayer"),
        fixes.InsertAfter("y", "Dense", {"no_such": 2}),
        fixes.InsertBefore("added", "Dense", {"units": 2}, position=5),
        fixes.Connect("x", "y"),
        fixes.Disconnect("y", 4),
        fixes.Reconnect("y", 0, "gone"),
        fixes.MoveBehind("a", "gone"),
        fixes.Rename("y", "a"),
        fixes.Freeze(("gone",)),
        fixes.Unshare("y"),
        fixes.Remove("gone"),
        fixes.Remove("o", graph="gone"),
        fixes.RemoveModel("gone"),
    ],
)
def test_what_no_longer_fits_is_refused(experiment: Experiment, step: Step):
    with pytest.raises(KflabError):
        apply(experiment, Fix("mend it", (step,)))


def test_a_fix_travels_as_json():
    steps = (
        fixes.Assign(("training", "epochs"), 3),
        fixes.InsertBefore("y", "Dense", {"units": 2}),
        fixes.Freeze(("a",), frozen=False),
    )
    fix = Fix("mend it", steps, safe=False)
    assert msgspec.json.decode(msgspec.json.encode(fix), type=Fix) == fix
