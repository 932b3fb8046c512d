"""What a call costs: operations counted by hand and as published, and what TensorFlow's gradients keep."""

import functools

import keras
import pytest
import tensorflow as tf

from kflab import catalog
from kflab.catalog import Kind
from kflab.cli import run
from kflab.engine import call_costs
from kflab.engine.call_costs import CallCost
from kflab.engine.inspect import Inspector
from kflab.engine.keeping import Need
from kflab.engine.protocol import Cost
from kflab.engine.specs import Spec, numbers, sample_bytes
from kflab.experiment import Data, Experiment, Training
from kflab.experiment import Spec as Named
from kflab.graph.arranging import Arranged
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share

L = keras.layers
EVERY_DAY = {"relu", "sigmoid", "gelu", "silu", "softmax"}
ACTIVATIONS = [
    pytest.param(
        functools.partial(L.Activation, name), [(10, 12)], marks=() if name in EVERY_DAY else pytest.mark.slow
    )
    for name in catalog.load().names(Kind.ACTIVATION)
    # One needs arguments; the other sorts, which takes what no figure of whole tensors tells.
    if name not in {"threshold", "sparsemax"}
]
BATCH = 7
OF_SHAPES = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}
"""Operations that look at a shape and not at what the tensor holds."""


def cost_of(layer: keras.Layer, *shapes: tuple[int, ...], dtype: str = "float32") -> CallCost:
    """The cost of a layer called with tensors of these shapes, each without its batch axis."""
    given = [keras.KerasTensor((None, *shape), dtype=dtype) for shape in shapes]
    merges = not isinstance(layer, L.MultiHeadAttention)
    with keras.StatelessScope():
        result = layer(given if len(given) > 1 else given[0]) if merges else layer(*given)
    specs = tuple(Spec((None, *shape), dtype) for shape in shapes)
    returned = tuple(Spec(tensor.shape, tensor.dtype) for tensor in keras.tree.flatten(result))
    return call_costs.layer_cost(layer, Arranged(specs), returned)


def cost(nodes: dict[str, Node], *outputs: str, batch: int = 1, **models: Graph) -> Cost:
    graph = Graph(nodes=nodes, outputs=outputs)
    training = Training(optimizer=Named("Adam"), batch_size=batch)
    return Inspector().inspect(Experiment(data=Data(), model=graph, models=models, training=training)).cost


def layer(name: str, *inputs: str, **arguments: object) -> Node:
    return Node(Layer(name, arguments), inputs)


def by_node(found: Cost, graph: str = "") -> dict[str, tuple[int, int]]:
    return {node.node: (node.flops, node.bytes) for node in found.nodes if node.graph == graph}


@pytest.mark.parametrize(
    ("called", "shapes", "flops"),
    [
        (L.Dense(5), [(10,)], 2 * 10 * 5 + 5),
        (L.Dense(5, use_bias=False, activation="relu"), [(7, 10)], 7 * (2 * 10 * 5 + 5)),
        (L.EinsumDense("abc,cd->abd", (4, 6)), [(4, 8)], 2 * 4 * 8 * 6),
        (L.Conv2D(16, 3, padding="same", strides=2), [(32, 32, 8)], 16 * 16 * 16 * (2 * 9 * 8 + 1)),
        (L.Conv2D(16, 3, dilation_rate=2), [(32, 32, 8)], 28 * 28 * 16 * (2 * 9 * 8 + 1)),
        (L.Conv2D(16, 3, groups=4, use_bias=False), [(10, 10, 8)], 8 * 8 * 16 * 2 * 9 * 2),
        (L.Conv1D(4, 5, use_bias=False), [(20, 3)], 16 * 4 * 2 * 5 * 3),
        (L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), [(10, 10, 8)], 8 * 8 * 16 * 2 * 9),
        (L.SeparableConv2D(16, 3, use_bias=False), [(10, 10, 8)], 8 * 8 * (2 * 9 * 8 + 2 * 8 * 16)),
        (L.Conv2DTranspose(4, 2, strides=2, use_bias=False), [(8, 8, 6)], 8 * 8 * 2 * 4 * 4 * 6),
        # Four gates of 2·(in + units) operations a unit, and 17 more for biases, activations and the state.
        (L.LSTM(6), [(9, 5)], 9 * (2 * 4 * 6 * (5 + 6) + 17 * 6)),
        (L.Bidirectional(L.LSTM(6)), [(9, 5)], 2 * 9 * (2 * 4 * 6 * (5 + 6) + 17 * 6)),
        (L.TimeDistributed(L.Dense(4, use_bias=False)), [(9, 5)], 9 * 2 * 5 * 4),
        (
            L.MultiHeadAttention(2, 4, use_bias=False),
            [(10, 8), (10, 8)],
            # Query, key, value and the result are projected; scores, their softmax, what they weigh.
            4 * 10 * 2 * 8 * 8 + 10 * 10 * 2 * (2 * 4 + 5 + 2 * 4),
        ),
        (L.BatchNormalization(), [(4, 4, 3)], 2 * 48),
        (L.MaxPooling2D(2), [(8, 8, 3)], 4 * 4 * 3 * 4),
        (L.GlobalAveragePooling2D(), [(8, 8, 3)], 8 * 8 * 3),
        (L.Add(), [(5,), (5,), (5,)], 2 * 5),
        (L.Softmax(), [(10,)], 5 * 10),
        (L.Flatten(), [(8, 8, 3)], 0),
        (L.Dropout(0.5), [(8,)], 0),
    ],
    ids=lambda value: value.name if isinstance(value, keras.Layer) else None,
)
def test_operations_are_those_counted_by_hand(called: keras.Layer, shapes: list, flops: int):
    assert cost_of(called, *shapes).flops == flops


def test_token_ids_cost_no_operations():
    assert cost_of(L.Embedding(100, 8), (20,), dtype="int32").flops == 0


def test_an_operation_of_keras_ops_is_counted_too():
    nodes = {
        "a": layer("Input", shape=[4, 6]),
        "b": layer("Input", shape=[6, 5]),
        "product": Node(Op("ops.matmul"), ("a", "b")),
        "rows": Node(Op("ops.reshape", {"newshape": [-1, 20]}), ("product",)),
    }
    assert by_node(cost(nodes, "rows"))["product"][0] == 2 * 4 * 5 * 6
    assert by_node(cost(nodes, "rows"))["rows"] == (0, 0)


def test_a_shared_layer_and_a_nested_model_count_at_each_call():
    tower = Graph(
        name="tower",
        nodes={"x": layer("Input", shape=[10]), "y": layer("Dense", "x", units=5)},
        outputs=("y",),
    )
    nodes = {
        "a": layer("Input", shape=[10]),
        "b": layer("Input", shape=[10]),
        "left": layer("Dense", "a", units=5),
        "right": Node(Share("left"), ("b",)),
        "first": Node(Call("tower"), ("a",)),
        "second": Node(Call("tower"), ("b",)),
        "sum": layer("Add", "left", "right", "first", "second"),
    }
    found = cost(nodes, "sum", tower=tower)
    assert found.flops == 4 * 105 + 3 * 5
    assert by_node(found)["second"][0] == by_node(found, "tower")["y"][0] == 105


@pytest.mark.parametrize(
    ("architecture", "billions"),
    [("ResNet50", 7.75), ("MobileNetV2", 0.61), ("VGG16", 31.0)],
)
def test_architectures_have_the_operations_that_were_published(architecture: str, billions: float, tmp_path):
    from kflab import document

    path = tmp_path / "model.yaml"
    assert run(["import", f"applications:{architecture}", "-o", str(path)]) == 0
    flops = Inspector().inspect(document.read(path)).cost.flops
    assert flops / 1e9 == pytest.approx(billions, rel=0.03)


def gradients_keep(called: keras.Layer, *shapes: tuple[int, ...]) -> int:
    """Bytes for a batch of forward tensors that the gradients of a layer use, as TensorFlow makes them.

    Weights are left out, and tensors of shapes and constants; of what is only multiplied by a constant,
    TensorFlow drops the gradient of that constant, and so the tensor.
    """
    kept: dict[object, int] = {}

    @tf.function
    def step(*given: tf.Tensor) -> list[tf.Tensor]:
        graph = tf.compat.v1.get_default_graph()
        given = [tf.identity(tensor) for tensor in given]
        merges = not isinstance(called, L.MultiHeadAttention)
        result = called(given if len(given) > 1 else given[0], training=True) if merges else called(*given)
        results = [tf.identity(result)]
        forward = set(graph.get_operations())
        slopes = [tf.ones_like(results[0])]
        wanted = [*given, *(weight.value for weight in called.trainable_variables)]
        found = tf.gradients(results, wanted, grad_ys=slopes)
        needed, waiting = set(), [tensor.op for tensor in found if tensor is not None]
        while waiting:
            operation = waiting.pop()
            if operation in needed or operation in forward:
                continue
            needed.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
        for operation in needed:
            for tensor in () if operation.type in OF_SHAPES else operation.inputs:
                size = tensor.shape.num_elements() or 0
                if tensor.op in forward and tensor.shape.rank and tensor.shape[0] == BATCH and size > BATCH:
                    kept[tensor.ref()] = size * tensor.dtype.size
        return results

    with keras.device("cpu:0"):
        step.get_concrete_function(*(tf.TensorSpec((BATCH, *shape)) for shape in shapes))
    return sum(kept.values())


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (lambda: L.Dense(6, activation="relu"), [(40,)]),
        (lambda: L.Dense(6, activation="tanh"), [(40,)]),
        (lambda: L.Conv2D(8, 3, activation="sigmoid"), [(10, 12, 4)]),
        (lambda: L.SeparableConv2D(8, 3), [(10, 12, 4)]),
        (lambda: L.Conv2DTranspose(8, 3), [(10, 12, 4)]),
        (L.BatchNormalization, [(10, 12, 4)]),
        (L.ReLU, [(10, 12, 4)]),
        (L.LeakyReLU, [(10, 12, 4)]),
        (L.Softmax, [(10, 12)]),
        (lambda: L.MaxPooling2D(2), [(10, 12, 4)]),
        (lambda: L.AveragePooling2D(2), [(10, 12, 4)]),
        (L.Multiply, [(10, 12), (10, 12)]),
        (L.Add, [(10, 12), (10, 12)]),
        (L.Maximum, [(10, 12), (10, 12)]),
        (L.ZeroPadding2D, [(10, 12, 4)]),
        (lambda: L.GaussianNoise(0.1), [(10, 12)]),
        (lambda: L.Dropout(0.3), [(10, 12)]),
        (L.LayerNormalization, [(10, 32)]),
        (L.RMSNormalization, [(10, 32)]),
        (lambda: L.GroupNormalization(4), [(10, 12, 8)]),
        (L.PReLU, [(10, 12)]),
        (L.Attention, [(20, 32), (20, 32)]),
        (lambda: L.TimeDistributed(L.Dense(8)), [(10, 8)]),
        *ACTIVATIONS,
    ],
)
def test_what_is_kept_is_what_the_gradients_of_tensorflow_use(make, shapes):
    called = make()
    with keras.device("cpu:0"):
        tensors = [tf.zeros((BATCH, *shape)) for shape in shapes]
        result = called(tensors if len(tensors) > 1 else tensors[0])
    given = tuple(Spec((None, *shape), "float32") for shape in shapes)
    returned = (Spec((None, *result.shape[1:]), "float32"),)
    kept = call_costs.layer_cost(called, Arranged(given), returned).kept
    told = kept.inner + sample_bytes(*given) * (kept.given is not Need.NOTHING)
    told += sample_bytes(*returned) * kept.returned
    assert BATCH * told == pytest.approx(gradients_keep(called, *shapes), rel=0.05)


def test_a_tensor_is_kept_once_and_only_where_a_gradient_needs_it():
    nodes = {
        "x": layer("Input", shape=[8, 8, 3]),
        "conv": layer("Conv2D", "x", filters=4, kernel_size=3, padding="same"),
        "norm": layer("BatchNormalization", "conv"),
        "relu": layer("ReLU", "norm"),
        "left": layer("Conv2D", "relu", filters=4, kernel_size=1),
        "right": layer("Conv2D", "relu", filters=4, kernel_size=1),
        "sum": layer("Add", "left", "right"),
    }
    kept = {name: size for name, (_, size) in by_node(cost(nodes, "sum", batch=10)).items()}
    size = 10 * 8 * 8 * 4 * 4
    assert kept == {"x": 0, "conv": size, "norm": 0, "relu": size, "left": 0, "right": 0, "sum": 0}


def test_frozen_layers_keep_nothing_before_the_first_that_is_trained():
    def nodes(trainable: bool) -> dict[str, Node]:
        frozen = {"trainable": trainable}
        return {
            "x": layer("Input", shape=[8, 8, 3]),
            "a": layer("Conv2D", "x", filters=4, kernel_size=3, activation="relu", **frozen),
            "b": layer("Conv2D", "a", filters=4, kernel_size=3, activation="relu", **frozen),
            "flat": layer("Flatten", "b"),
            "y": layer("Dense", "flat", units=2),
        }

    trained, frozen = by_node(cost(nodes(True), "y")), by_node(cost(nodes(False), "y"))
    assert trained["a"][1] == 6 * 6 * 4 * 4
    assert frozen["a"][1] == 0
    # What the trained layer is fed with is kept all the same, for the gradient of its weights.
    assert frozen["b"][1] == trained["b"][1] == 4 * 4 * 4 * 4


def test_half_precision_takes_half_the_activations():
    def of(dtype: str) -> int:
        nodes = {
            "x": layer("Input", shape=[64]),
            "a": layer("Dense", "x", units=64, activation="relu", dtype=dtype),
            "y": layer("Dense", "a", units=64, dtype=dtype),
        }
        return by_node(cost(nodes, "y"))["a"][1]

    assert of("float32") == 2 * of("mixed_float16") == 64 * 4


def test_activations_grow_with_the_batch_and_weights_do_not():
    nodes = {"x": layer("Input", shape=[10]), "y": layer("Dense", "x", units=5)}
    one, many = cost(nodes, "y").memory, cost(nodes, "y", batch=64).memory
    assert (many.weights, many.gradients, many.slots) == (one.weights, one.gradients, one.slots)
    assert many.activations == 64 * one.activations
    assert many.batch == 64 * one.batch


def test_a_length_that_varies_is_that_of_the_data():
    nodes = {
        "words": layer("Input", shape=[None], dtype="int32"),
        "vectors": layer("Embedding", "words", input_dim=20000, output_dim=4),
        "y": layer("LSTM", "vectors", units=3),
    }
    graph = Graph(nodes=nodes, outputs=("y",))
    imdb = Data(source="imdb", arguments={"length": 50})
    found = Inspector().inspect(Experiment(data=imdb, model=graph)).cost
    assert found.flops == 50 * (2 * 4 * 3 * (4 + 3) + 17 * 3)


def test_what_a_device_has_free_is_told():
    found = cost({"x": layer("Input", shape=[10]), "y": layer("Dense", "x", units=5)}, "y")
    assert found.device in {"cpu", "gpu:0"}
    assert found.available > 2**20


def test_numbers_of_axes_that_vary_count_once():
    assert numbers(Spec((None, None, 8), "float32")) == 8
