"""How many threads share an operation: one, where operations are over before others have come to help."""

from __future__ import annotations

import math
from collections.abc import Iterator

import keras

from kflab import catalog
from kflab.catalog import Kind
from kflab.experiment import Experiment
from kflab.graph.nodes import Graph, Layer, Share, source_of
from kflab.graph.order import topological

MOST_WEIGHTS = 402_000
MOST_OPERATIONS = 26e6
"""The weights of a Dense layer, and its multiplications and additions for one batch, up to which one thread
is quicker. Measured on two cores with TensorFlow 2.21: a step of 784 → 128 → 10 takes 0.40 ms instead of 0.65
with 32 samples and 0.9 instead of 1.1 with 128; of 784 → 512 → 10, 1.14 instead of 1.23 with 32 samples, but
2.96 instead of 2.30 with 128."""

_WITHOUT_WEIGHTS = frozenset({"activation", "merging", "regularization"})
_KEEP_THEIR_INPUT = frozenset({"Flatten", "Identity"})


def keep_to_one_thread(experiment: Experiment) -> bool:
    """Has TensorFlow compute each operation in one thread, where that is quicker and rounds the same.

    That is so for models of small Dense layers. Convolutions and normalization round otherwise with another
    number of threads. It holds for the whole process; call it before TensorFlow has computed anything.

    Returns:
        Whether it does so from now on.
    """
    if keras.backend.backend() != "tensorflow" or not is_quicker_alone(experiment):
        return False
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return False
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        return False  # It has computed something already, as where one process trains several models.
    return True


def is_kept_to_one_thread() -> bool:
    """Whether each operation is computed in one thread."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return bool(tf.config.threading.get_intra_op_parallelism_threads() == 1)


def is_quicker_alone(experiment: Experiment) -> bool:
    """Whether the model has only Dense layers that are small, and layers without weights."""
    sizes = list(_dense_sizes(experiment.model))
    weights = max(sizes, default=math.inf)
    return weights <= MOST_WEIGHTS and 2 * experiment.training.batch_size * weights <= MOST_OPERATIONS


def _dense_sizes(graph: Graph) -> Iterator[float]:
    """The weights of each Dense layer; infinitely many for what is no such layer and may have some.

    Of a tensor with several axes, all but the last are computed as if they were samples, so a Dense layer
    that is fed with one counts as if all of its numbers were in one row.
    """
    layers = catalog.load()
    widths: dict[str, float] = {}
    flat: dict[str, bool] = {}
    for name in topological(graph):
        node = graph.nodes[name]
        target = graph.nodes[node.target.node].target if isinstance(node.target, Share) else node.target
        if not isinstance(target, Layer):
            yield math.inf
            return
        sources = [source_of(reference) for reference in node.references()]
        fed = sum(widths[source] for source in sources)
        flat[name] = target.layer == "Flatten" or all(flat[source] for source in sources)
        units, shape = target.arguments.get("units"), target.arguments.get("shape")
        entry = layers.find(Kind.LAYER, target.layer)
        if node.is_input and isinstance(shape, list | tuple):
            flat[name] = len(shape) == 1
            widths[name] = math.prod(size if isinstance(size, int) else math.inf for size in shape)
        elif target.layer == "Dense" and isinstance(units, int):
            yield fed * units
            widths[name] = units if flat[name] else fed * units
        elif entry is not None and (entry.group in _WITHOUT_WEIGHTS or entry.name in _KEEP_THEIR_INPUT):
            widths[name] = fed
        else:
            yield math.inf
            return
