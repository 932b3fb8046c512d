"""Nodes that are grouped, ungrouped, frozen or changed compute in Keras what they did before."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from kflab import document, presets
from kflab.engine.build import build
from kflab.engine.inspect import Inspector
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import EditRefusedError, Tensors
from kflab.graph.nodes import Call
from kflab.graph.references import plain_reference


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    return Inspector()


def tensors(inspector: Inspector, experiment: Experiment, graph: str = "") -> Tensors:
    report = inspector.inspect(experiment)
    nodes = (report.models[graph] if graph else report.model).nodes
    return {
        plain_reference(f"{name}:{index}"): (output.shape[1:], output.dtype)
        for name, node in nodes.items()
        for index, output in enumerate(node.outputs)
    }


def built(experiment: Experiment) -> keras.Model:
    keras.utils.set_random_seed(1)
    return build(experiment)


def answers(model: keras.Model) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    given = [
        random.integers(0, 5, [2, *(size or 7 for size in tensor.shape[1:])]).astype(tensor.dtype)
        for tensor in model.inputs
    ]
    result = model(given if len(given) > 1 else given[0])
    return [np.asarray(part) for part in (result if isinstance(result, list | tuple) else [result])]


def layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model and of those nested in it."""
    for layer in model.layers:
        yield from layers(layer) if isinstance(layer, keras.Model) else (layer,)


def moved(source: keras.Model, target: keras.Model) -> keras.Model:
    """The target with the weights of the source, each by the name of its layer."""
    known = {layer.name: layer.get_weights() for layer in layers(source) if layer.weights}
    for layer in layers(target):
        if layer.weights:
            layer.set_weights(known[layer.name])
    return target


@pytest.mark.parametrize("preset", ["digits_branches", "digits_siamese", "tickets", "digits_sequence"])
def test_a_grouped_model_gives_what_it_gave_and_has_the_same_weights(
    preset: str, inspector: Inspector
) -> None:
    plain = document.read(presets.path(preset))
    known = tensors(inspector, plain)
    names = [name for name, node in plain.model.nodes.items() if not node.is_input]
    before = built(plain)
    wanted = answers(before)
    tried = 0
    for start in range(0, len(names), 2):
        try:
            edited = edits.group(plain, "", names[start : start + 4], known, "part")
        except EditRefusedError:
            continue  # a layer that is shared across the border, or a way out and back in
        tried += 1
        after = moved(before, built(edited.experiment))
        assert after.count_params() == before.count_params()
        for old, new in zip(wanted, answers(after), strict=True):
            np.testing.assert_array_equal(old, new)
        back = edits.ungroup(edited.experiment, "", edited.node).experiment
        assert back.model.nodes == plain.model.nodes
    assert tried


def test_ungrouping_several_calls_keeps_the_weights_common(inspector: Inspector) -> None:
    plain = document.read(presets.path("digits_siamese"))
    left = ["left_edges", "left_halved", "left_row", "left_code"]
    apart = plain
    for name in plain.model.nodes:
        if name.startswith("right_"):
            apart = edits.unshare(apart, "", name).experiment
    grouped = edits.group(apart, "", left, tensors(inspector, apart), "encoder").experiment
    rest = edits.delete_all(grouped, "", ["right_edges", "right_halved", "right_row"]).experiment
    nested = edits.set_target(rest, "", "right_code", Call("encoder")).experiment
    flat = edits.ungroup(nested, "", "encoder").experiment
    one, two, three = built(plain), built(nested), built(flat)
    assert one.count_params() == two.count_params() == three.count_params()
    for old, new in zip(answers(moved(one, two)), answers(moved(two, three)), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not inspector.inspect(flat).findings


def test_a_pasted_block_builds_in_another_experiment(inspector: Inspector) -> None:
    source = document.read(presets.path("cifar10_resnet"))
    names = ["block2_a", "block2_b", "block2", "block3_a", "block3_b", "block3"]
    target = document.read(presets.path("digits_branches"))
    target = edits.set_argument(target, "", "mixed", "filters", 64).experiment
    pasted = edits.paste(target, "", "mixed", edits.copy(source, "", names)).experiment
    report = inspector.inspect(pasted)
    assert not report.findings
    assert built(pasted).count_params() == report.model.totals.total
