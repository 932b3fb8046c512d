"""Random changes of training samples, the same ones for the same seed, epoch and step."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kflab.catalog.entries import Kind
from kflab.catalog.preparation_steps import find_step
from kflab.data.arrays import Array
from kflab.data.layer_steps import call_layer
from kflab.errors import KflabError
from kflab.experiment import Spec
from kflab.values import Arguments


class Augmentation:
    """The random layers of one array.

    What they draw depends on the key of a call alone, not on the calls before. Arrays with the same layers
    are changed alike, so that an image and its mask stay together.

    Args:
        specs: the layers.
        array: the name of the array, for errors.

    Raises:
        KflabError: Keras does not accept an argument.
    """

    def __init__(self, specs: Sequence[Spec], array: str) -> None:
        self._array = array
        self._layers = [(spec.name, _make(spec)) for spec in specs]
        # The layers keep their state, so that only one can draw at a time.
        self._lock = threading.Lock()

    def __call__(self, samples: Array, key: tuple[int, ...]) -> Array:
        """The samples, changed.

        Raises:
            KflabError: a layer does not take them.
        """
        if samples.dtype.kind in "iu":
            # Layers would add to 8 bits until they begin anew at 0.
            samples = samples.astype("float32")
        with self._lock:
            for index, (name, layer) in enumerate(self._layers):
                with _started(layer, (*key, index)):
                    try:
                        samples = call_layer(layer, samples, training=True)
                    except Exception as error:
                        raise _refused(name, self._array, error) from error
        return samples


def _make(spec: Spec) -> Any:
    from kflab.engine import objects

    entry = find_step(spec.name)
    # Without a seed a layer would take one from the random numbers that the training is to have.
    seed: Arguments = {"seed": 0} if entry and entry.argument("seed") else {}
    return objects.make(Kind.LAYER, spec.name, {**seed, **spec.arguments})


@contextlib.contextmanager
def _started(layer: Any, key: tuple[int, ...]) -> Iterator[None]:
    """Gives all that a layer draws a start of its own."""
    for number, variable in enumerate(layer.variables):
        if "seed_generator_state" in variable.path:
            variable.assign(np.array([_start(key, number), 0]).astype(str(variable.dtype)))
    # AugMix draws from Python's own numbers, which belong to everybody.
    before = random.getstate()
    random.seed(_start(key, -1))
    try:
        yield
    finally:
        random.setstate(before)


def _start(key: tuple[int, ...], number: int) -> int:
    return int(np.random.SeedSequence([*key, number + 1]).generate_state(1)[0]) >> 1


def _refused(name: str, array: str, error: Exception) -> KflabError:
    from kflab.engine.objects import complaint

    if isinstance(error, KflabError):
        return error
    return KflabError(f"{name} can not augment {array!r}: {complaint('', error)}")
