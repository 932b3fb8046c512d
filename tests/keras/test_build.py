"""The engine's report agrees with the model that Keras really builds, and with what it really returns."""

from __future__ import annotations

import keras
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kflab import document
from kflab.diagnose.findings import Severity
from kflab.engine.build import BuildError, build, build_graph
from kflab.engine.inspect import Inspector
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph, Layer, Node, Share

RESIDUAL = """
nodes:
  image: {Input: {shape: [8, 8, 3]}}
  stem:  {Conv2D: {filters: 4, kernel_size: 3, padding: same}, from: image}
  norm:  {BatchNormalization: {}, from: stem}
  again: {Conv2D: {filters: 4, kernel_size: [3, 3], padding: same}, from: norm}
  sum:   {Add: {}, from: [again, stem]}
  pool:  {MaxPooling2D: {pool_size: 2}, from: sum}
  drop:  {Dropout: {rate: 0.5}, from: pool}
  flat:  {Flatten: {}, from: drop}
  digit: {Dense: {units: 10}, from: flat}
outputs: [digit]
"""
SEVERAL_ENDS = """
nodes:
  title: {Input: {shape: [6], dtype: int32}}
  body:  {Input: {shape: [null], dtype: int32}}
  tags:  {Input: {shape: [12]}}
  words: {Embedding: {input_dim: 20, output_dim: 4, mask_zero: true}, from: title}
  same:  {share: words, from: body}
  short: {LSTM: {units: 3}, from: words}
  long:  {GRU: {units: 5}, from: same}
  all:   {Concatenate: {}, from: [short, long, tags]}
  urgent: {Dense: {units: 1, activation: sigmoid}, from: all}
  office: {Dense: {units: 4}, from: all}
outputs: [office, urgent]
inputs: [tags, title, body]
"""
STATES = """
nodes:
  rows:  {Input: {shape: [5, 4]}}
  read:  {LSTM: {units: 6, return_state: true, return_sequences: true}, from: rows}
  write: {LSTM: {units: 6}, from: {0: "read:0", initial_state: ["read:1", "read:2"]}}
  both:  {Bidirectional: {layer: {GRU: {units: 3, return_sequences: true}}, merge_mode: sum}, from: rows}
  each:  {TimeDistributed: {layer: {Dense: {units: 7}}}, from: both}
  cells: {RNN: {cell: {SimpleRNNCell: {units: 2}}}, from: rows}
  look:  {MultiHeadAttention: {num_heads: 2, key_dim: 3}, from: [each, rows]}
outputs: [write, cells, look, "read:2"]
"""
OPERATIONS = """
nodes:
  x:     {Input: {shape: [6]}}
  y:     {Input: {shape: [6], dtype: int32}}
  twice: {ops.multiply: {x2: 2.0}, from: x}
  rest:  {ops.subtract: {x1: 1.0}, from: {x2: twice}}
  sum:   {ops.add: {}, from: [rest, y]}
  pile:  {ops.stack: {axis: 1}, from: [x, sum]}
  halves: {ops.split: {indices_or_sections: 2, axis: 2}, from: pile}
  lone:  {ops.sum: {axis: 1, keepdims: true}, from: "halves:1"}
  dense: {Dense: {units: 3}, from: lone}
outputs: [dense, "halves:0"]
"""
FROZEN = """
nodes:
  x:    {Input: {shape: [6]}}
  held: {Dense: {units: 4, trainable: false}, from: x}
  half: {Dense: {units: 4, dtype: mixed_float16}, from: held}
  rest: {Dense: {units: 2, use_bias: false}, from: half}
outputs: [rest]
"""
LOOSE_END = """
nodes:
  x:     {Input: {shape: [6]}}
  y:     {Dense: {units: 4}, from: x}
  loose: {Dense: {units: 400}, from: x}
outputs: [y]
"""


def experiment(model: str, models: str = "") -> Experiment:
    def indented(text: str) -> str:
        return text.replace("\n", "\n  ").rstrip()

    nested = f"models:{indented(models)}\n" if models else ""
    return document.read_text(f"kflab: 1\ndata: {{source: digits}}\nmodel:{indented(model)}\n{nested}")


SIAMESE = experiment("""
nodes:
  left:  {Input: {shape: [8, 8, 1]}}
  right: {Input: {shape: [8, 8, 1]}}
  flat:  {Flatten: {}, from: left}
  near:  {Dense: {units: 5}, from: flat}
  flat2: {share: flat, from: right}
  far:   {share: near, from: flat2}
  gap:   {Subtract: {}, from: [near, far]}
  same:  {Dense: {units: 1}, from: gap}
outputs: [same]
""")
AUTOENCODER = experiment(
    """
nodes:
  image: {Input: {shape: [8, 8, 1]}}
  small: {model: encoder, from: image}
  back:  {model: decoder, from: small}
  again: {model: encoder, from: back}
outputs: [back, again]
""",
    """
encoder:
  nodes:
    picture: {Input: {shape: [8, 8, 1]}}
    conv:    {Conv2D: {filters: 4, kernel_size: 3, padding: same}, from: picture}
    code:    {GlobalAveragePooling2D: {}, from: conv}
  outputs: [code]
decoder:
  nodes:
    code:  {Input: {shape: [4]}}
    wide:  {Dense: {units: 64}, from: code}
    image: {Reshape: {target_shape: [8, 8, 1]}, from: wide}
  outputs: [image]
""",
)
NESTED_TWICE = experiment(
    """
nodes:
  short: {Input: {shape: [3, 4]}}
  long:  {Input: {shape: [9, 4]}}
  a:     {model: outer, from: [short, long]}
  b:     {model: inner, from: short}
  both:  {Concatenate: {}, from: ["a:1", b]}
outputs: ["a:0", both]
""",
    """
inner:
  nodes:
    rows: {Input: {shape: [null, 4]}}
    last: {LSTM: {units: 2, return_sequences: true}, from: rows}
  outputs: [last]
outer:
  nodes:
    one: {Input: {shape: [null, 4]}}
    two: {Input: {shape: [null, 4]}}
    x:   {model: inner, from: one}
    y:   {model: inner, from: two}
    z:   {Dense: {units: 5}, from: y}
  outputs: [z, x]
""",
)
VARIED = {
    "residual": experiment(RESIDUAL),
    "several_ends": experiment(SEVERAL_ENDS),
    "states": experiment(STATES),
    "operations": experiment(OPERATIONS),
    "frozen": experiment(FROZEN),
    "loose_end": experiment(LOOSE_END),
    "siamese": SIAMESE,
    "autoencoder": AUTOENCODER,
    "nested_twice": NESTED_TWICE,
}


def returning_everything(whole: Experiment, graph: str) -> tuple[Experiment, list[tuple[str, int]]]:
    """The experiment with every tensor of a graph among its outputs, and whose each is."""
    report = Inspector().inspect(whole)
    nodes = (report.models[graph] if graph else report.model).nodes
    tensors = [(name, index) for name, node in nodes.items() for index in range(len(node.outputs))]
    outputs = tuple(f"{name}:{index}" for name, index in tensors)
    changed = msgspec.structs.replace(whole.graph(graph), outputs=outputs)
    if graph:
        return msgspec.structs.replace(whole, models={**whole.models, graph: changed}), tensors
    return msgspec.structs.replace(whole, model=changed), tensors


def assert_counts_agree(whole: Experiment, graph: str) -> None:
    report = Inspector().inspect(whole)
    found = report.models[graph] if graph else report.model
    model = build_graph(whole, graph)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert (found.totals.total, found.totals.trainable) == (model.count_params(), trainable)
    assert found.totals.non_trainable == model.count_params() - trainable
    assert found.totals.weight_bytes == sum(weight.value.numpy().nbytes for weight in model.weights)
    built = {layer.name: layer for layer in model.layers}
    for name, node in whole.graph(graph).nodes.items():
        if isinstance(node.target, Layer) and name in built:
            assert found.nodes[name].params == built[name].count_params(), name


def assert_shapes_agree(whole: Experiment, graph: str) -> None:
    """Run the real model on real numbers: every tensor has the shape and dtype that the report told."""
    everything, tensors = returning_everything(whole, graph)
    report = Inspector().inspect(whole)
    found = report.models[graph] if graph else report.model
    model = build_graph(everything, graph)
    fed = [np.ones([2, *(size or 3 for size in tensor.shape[1:])], tensor.dtype) for tensor in model.inputs]
    returned = model(fed if len(fed) > 1 else fed[0])
    returned = returned if isinstance(returned, list) else [returned]
    assert len(returned) == len(tensors) > 0
    for (name, index), value in zip(tensors, returned, strict=True):
        told = found.nodes[name].outputs[index]
        assert len(told.shape) == len(value.shape), name
        assert all(size in {None, real} for size, real in zip(told.shape, value.shape, strict=True)), name
        assert told.dtype == keras.backend.standardize_dtype(value.dtype), name


@pytest.mark.parametrize("name", VARIED)
def test_the_report_agrees_with_keras(name: str) -> None:
    whole = VARIED[name]
    assert not [finding for finding in Inspector().inspect(whole).findings if finding.severity == "error"]
    for graph in ("", *whole.models):
        assert_counts_agree(whole, graph)
        assert_shapes_agree(whole, graph)


def test_counts_known_by_hand() -> None:
    totals = Inspector().inspect(AUTOENCODER)
    assert totals.models["encoder"].totals.total == 3 * 3 * 4 + 4
    assert totals.models["decoder"].totals.total == 4 * 64 + 64
    # The encoder is called twice and counted once.
    assert totals.model.totals.total == 40 + 320
    assert [totals.model.nodes[name].params for name in ("small", "back", "again")] == [40, 320, 0]


def test_nodes_give_their_names_and_outputs_keep_the_order_of_the_document() -> None:
    model = build(VARIED["several_ends"])
    assert [tensor.name for tensor in model.inputs] == ["tags", "title", "body"]
    assert model.output_names == ["office", "urgent"]
    assert model.get_layer("words").count_params() == 80
    assert build(VARIED["operations"]).output_names == ["dense", "halves"]


def test_two_outputs_of_one_node_have_names_of_their_own() -> None:
    both = experiment("""
nodes:
  rows: {Input: {shape: [5, 4]}}
  read: {LSTM: {units: 6, return_state: true}, from: rows}
outputs: ["read:0", "read:2"]
""")
    model = build(both)
    assert model.output_names == ["read_0", "read_2"]
    assert [tuple(tensor.shape) for tensor in model.outputs] == [(None, 6), (None, 6)]


def test_a_shared_layer_has_one_set_of_weights() -> None:
    model = build(SIAMESE)
    left, right = np.random.default_rng(1).normal(size=(2, 3, 8, 8, 1)).astype("float32")
    swapped = model([right, left]).numpy() - model.get_layer("same").bias.numpy()
    straight = model([left, right]).numpy() - model.get_layer("same").bias.numpy()
    np.testing.assert_allclose(swapped, -straight, rtol=1e-4, atol=1e-5)


def test_arguments_of_the_call_are_kept() -> None:
    model = build(
        experiment("""
nodes:
  x: {Input: {shape: [1000]}}
  dropped: {Dropout: {rate: 0.5, seed: 1}, from: x, call: {training: true}}
  kept: {Dropout: {rate: 0.5, seed: 1}, from: x, call: {training: false}}
outputs: [dropped, kept]
""")
    )
    dropped, kept = model(np.ones((1, 1000), "float32"))
    assert 300 < np.count_nonzero(dropped) < 700
    assert np.count_nonzero(kept) == 1000


def test_a_model_with_operations_can_be_saved_and_loaded(tmp_path) -> None:
    model = build(VARIED["operations"])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    fed = [np.ones((2, 6), "float32"), np.ones((2, 6), "int32")]
    np.testing.assert_array_equal(model(fed)[0], loaded(fed)[0])
    named = {operation.name for operation in loaded.operations}
    assert set(VARIED["operations"].model.nodes) <= named


def test_a_nested_model_may_share_its_name_with_a_node() -> None:
    clash = experiment(
        """
nodes:
  x: {Input: {shape: [4]}}
  core: {Dense: {units: 4}, from: x}
  y: {model: core, from: core}
outputs: [y]
""",
        """
core:
  nodes:
    x: {Input: {shape: [4]}}
    y: {Dense: {units: 2}, from: x}
  outputs: [y]
""",
    )
    assert build(clash).count_params() == 20 + 10


def test_a_model_that_cannot_be_built_names_the_node_and_what_it_expected() -> None:
    broken = experiment("""
nodes:
  image: {Input: {shape: [8, 8]}}
  conv:  {Conv2D: {filters: 4, kernel_size: 3}, from: image}
outputs: [conv]
""")
    with pytest.raises(BuildError) as raised:
        build(broken)
    (finding,) = raised.value.findings
    assert (finding.graph, finding.node) == ("", "conv")
    assert finding.message == "Conv2D expects height×width×channels, got 8×8"


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Layers wired at random: sums of unlike widths come up, too, and Keras refuses them."""
    nodes: dict[str, Node] = {}
    for index in range(draw(st.integers(1, 2))):
        nodes[f"in{index}"] = Node(Layer("Input", {"shape": [draw(st.integers(1, 3))]}))
    for index in range(draw(st.integers(1, 8))):
        names = list(nodes)
        kind = draw(st.sampled_from(["Dense", "Add", "Concatenate", "share"]))
        dense = [name for name in names if nodes[name].target == Layer("Dense", {"units": 2})]
        if kind == "share" and dense:
            node = Node(Share(draw(st.sampled_from(dense))), (draw(st.sampled_from(names)),))
        elif kind in {"Add", "Concatenate"}:
            several = draw(st.lists(st.sampled_from(names), min_size=2, max_size=3))
            node = Node(Layer(kind), tuple(several))
        else:
            node = Node(Layer("Dense", {"units": 2}), (draw(st.sampled_from(names)),))
        nodes[f"n{index}"] = node
    outputs = draw(st.lists(st.sampled_from(list(nodes)), min_size=1, max_size=2, unique=True))
    return Graph(nodes=nodes, outputs=tuple(outputs))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_random_graphs_agree_with_keras_or_are_refused_by_both(graph: Graph) -> None:
    whole = Experiment(data=Data(source="digits"), model=graph)
    report = Inspector().inspect(whole)
    wrong = [finding.node for finding in report.findings if finding.severity is Severity.ERROR]
    if wrong:
        with pytest.raises(BuildError) as raised:
            build(whole)
        assert raised.value.findings[0].node in wrong
    else:
        assert_counts_agree(whole, "")
        model = build(whole)
        told = [report.model.nodes[name].outputs[0].shape for name in graph.outputs]
        assert [tuple(tensor.shape) for tensor in model.outputs] == told
