"""What training a model takes in memory: an estimate from shapes and from the optimizer's own slots."""

from __future__ import annotations

import functools
import math

import keras
import msgspec

from kflab.catalog import Kind
from kflab.engine import objects
from kflab.engine.graph_costs import GraphCost
from kflab.engine.probe import Weights
from kflab.engine.protocol import Memory
from kflab.errors import KflabError
from kflab.experiment import Spec as ObjectSpec
from kflab.values import canonical

LOSS_COPIES = 4
"""Tensors as large as what a model returns that a crossentropy keeps: clipped, its logarithm, its slope."""

# The figures below are fitted to what TensorFlow 2.21 took on a CPU, by `python -m tests.bench.memory`.

AT_WORK = 2
"""Calls that need memory to work in at the same time: the gradients of weights wait while others run on.

Fitted to slopes over the batch size: 1.3 for MobileNetV2, 1.9 for a U-Net, 2.1 for EfficientNetB0; 4.6 for
ResNet50, whose many convolutions wait longest.
"""

UPDATE_COPIES = 4
"""Copies of the largest weight that an update computes with: 4.0 for VGG16, 4.1 for a wide perceptron."""

BATCHES = 2
"""Batches under way: the one at hand and the next."""

RUNTIME = 26_000_000
RUNTIME_OF_CALL = 1_400_000
RUNTIME_OF_VARIABLE = 1_400_000
RUNTIME_OF_LOOP = 20_000_000
"""Bytes of a compiled training step and evaluation: of any, and more for each call, each variable that an
optimizer updates and each loop over a sequence. Fitted to the small presets, whose memory is little else.
"""

_SIDE = 32


def slots_per_weight(optimizer: ObjectSpec) -> float:
    """Numbers that an optimizer keeps for one trainable weight: 2 for Adam, 0 for plain SGD.

    The optimizer itself is asked, and its answer remembered. One that cannot be made keeps nothing: what is
    wrong with it is told where its settings are checked.
    """
    return _slots(optimizer.name, canonical(optimizer.arguments))


def optimizer_problem(optimizer: ObjectSpec) -> str:
    """Why Keras refuses an optimizer, in one line; "" where it does not."""
    return _problem(optimizer.name, canonical(optimizer.arguments))


@functools.lru_cache(maxsize=256)
def _problem(name: str, arguments: bytes) -> str:
    try:
        objects.make(Kind.OPTIMIZER, name, msgspec.json.decode(arguments))
    except KflabError as error:
        return str(error)
    return ""


@functools.lru_cache(maxsize=256)
def _slots(name: str, arguments: bytes) -> float:
    try:
        made = objects.make(Kind.OPTIMIZER, name, msgspec.json.decode(arguments))
    except KflabError:
        return 0.0
    assert isinstance(made, keras.optimizers.Optimizer)
    # An optimizer that factors its slots keeps fewer numbers than the weight has, so numbers are counted and
    # not variables; a square is what weights are like.
    with keras.device("cpu:0"):
        made.build([keras.Variable(initializer="zeros", shape=(_SIDE, _SIDE))])
    kept: int = sum(math.prod(variable.shape) for variable in made.variables if len(variable.shape))
    return kept / _SIDE**2


def training_memory(
    weights: Weights,
    slots: float,
    cost: GraphCost,
    *,
    batch_size: int,
    sample: int,
    returned: int,
    on_gpu: bool,
) -> Memory:
    """What training a graph takes at its peak.

    Args:
        weights: its weights.
        slots: numbers that the optimizer keeps for each trainable weight.
        cost: what its calls cost for one sample.
        batch_size: samples in one step.
        sample: bytes of one sample of its inputs and targets.
        returned: bytes of one sample of what it returns, which the loss works on.
        on_gpu: whether it is trained on a GPU, of whose memory the compiled steps take none.
    """
    # A gradient and what the optimizer keeps have the dtype of their weight.
    each = weights.bytes / weights.total if weights.total else 0.0
    runtime = RUNTIME + RUNTIME_OF_CALL * cost.calls + RUNTIME_OF_LOOP * cost.loops
    runtime += RUNTIME_OF_VARIABLE * weights.variables
    return Memory(
        weights=weights.bytes,
        gradients=round((weights.trainable + UPDATE_COPIES * weights.largest) * each),
        slots=round(weights.trainable * slots * each),
        activations=batch_size * (cost.kept + AT_WORK * cost.work + LOSS_COPIES * returned),
        batch=BATCHES * batch_size * sample,
        runtime=0 if on_gpu else runtime,
    )
