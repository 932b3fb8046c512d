"""Small models of many kinds, trained by the `fit` of Keras and by a stepper; a process for each backend.

`python stepper_cases.py CASE...` prints one line of JSON for each: the digest of the weights of each way, and
how far they are from those of `fit`. `CASE=WAY,WAY` leaves out the other ways.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any

import keras
import numpy as np

from kflab.experiment import PlanSettings
from kflab.train.feeding import Fed
from kflab.train.orders import Orders
from kflab.train.steppers.choosing import make_stepper

L = keras.layers
SEED, BATCH, EPOCHS = 3, 16, 2
COUNT = 3 * BATCH + 5
"""Samples: the last batch has fewer."""

Made = tuple[keras.Model, tuple[Any, ...]]


def _random() -> np.random.Generator:
    return np.random.default_rng(SEED)


def mlp() -> Made:
    x, y = _random().random((COUNT, 6)), _random().integers(0, 3, COUNT)
    i = keras.Input((6,))
    model = keras.Model(
        i, L.Dense(3, activation="softmax")(L.Dropout(0.3, seed=1)(L.Dense(8, activation="relu")(i)))
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (x, y)


def silu() -> Made:
    """What TensorFlow makes one operation of, unless it is in a loop; also with what is multiplied before."""
    x, y = _random().random((COUNT, 6), dtype="float32"), _random().integers(0, 3, COUNT)
    i = keras.Input((6,))
    h = L.Dense(8, activation="silu")(i)
    gate = L.Multiply()([h, L.Dense(8, activation="sigmoid")(h)])
    model = keras.Model(i, L.Dense(3, activation="softmax")(L.Dense(8, activation="swish")(gate)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (x, y)


def many() -> Made:
    """Two inputs, three outputs of which one has no target, sample weights, a shared layer, a nested model,
    regularization and activity losses, BatchNormalization, dropout."""
    rng = _random()
    x = (rng.random((COUNT, 5), dtype="float32"), rng.integers(0, 9, (COUNT, 4)).astype("int32"))
    y = (rng.random((COUNT, 2), dtype="float32"), rng.integers(0, 3, COUNT).astype("int32"), None)
    weights = (rng.random(COUNT, dtype="float32"), rng.random(COUNT, dtype="float32"), None)
    inner_in = keras.Input((4,))
    inner = keras.Model(
        inner_in, L.Dropout(0.2, seed=2)(L.Dense(4, activity_regularizer="l2")(inner_in)), name="inner"
    )
    numbers, words = keras.Input((5,), name="numbers"), keras.Input((4,), dtype="int32", name="words")
    shared = L.Dense(4, kernel_regularizer="l1", activation="tanh")
    left = L.BatchNormalization()(shared(numbers))
    right = shared(L.Flatten()(L.Embedding(9, 3)(words))[:, :5])
    joined = L.Concatenate()([inner(left), inner(right)])
    outputs = [L.Dense(2, name="a")(joined), L.Dense(3, activation="softmax", name="b")(joined)]
    model = keras.Model([numbers, words], [*outputs, L.Dense(2, name="c")(left)])
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        ["mse", "sparse_categorical_crossentropy", None],
        loss_weights=[1.0, 0.5, 1.0],
        metrics=[["mae"], ["accuracy"], None],
        weighted_metrics=[["mse"], None, None],
    )
    return model, (x, y, weights)


def conv() -> Made:
    x, y = _random().random((COUNT, 8, 8, 2), dtype="float32"), _random().integers(0, 3, COUNT)
    i = keras.Input((8, 8, 2))
    h = L.MaxPooling2D()(L.BatchNormalization()(L.Conv2D(4, 3, activation="relu")(i)))
    model = keras.Model(
        i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(L.SpatialDropout2D(0.2, seed=3)(h)))
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (x, y)


def recurrent() -> Made:
    x, y = _random().integers(0, 20, (COUNT, 7)).astype("int32"), _random().integers(0, 2, COUNT)
    i = keras.Input((7,), dtype="int32")
    h = L.Bidirectional(L.LSTM(4, return_sequences=True))(L.Embedding(20, 4, mask_zero=True)(i))
    model = keras.Model(i, L.Dense(1, activation="sigmoid")(L.GRU(3, dropout=0.2, seed=4)(h)))
    model.compile("adam", "binary_crossentropy", metrics=["AUC"])
    return model, (x, y)


def scaled() -> Made:
    """Loss scaling, accumulated gradients, a moving average of the weights, clipping."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x, y = _random().random((COUNT, 6), dtype="float32"), _random().random((COUNT, 1), dtype="float32")
        i = keras.Input((6,))
        model = keras.Model(
            i, L.Dense(1, dtype="float32")(L.Dropout(0.2, seed=2)(L.Dense(8, activation="gelu")(i)))
        )
        optimizer = keras.optimizers.AdamW(
            1e-2, clipnorm=1.0, use_ema=True, ema_overwrite_frequency=3, gradient_accumulation_steps=2
        )
        model.compile(optimizer, "mse", metrics=["mae"])
    finally:
        keras.config.set_dtype_policy(before)
    return model, (x, y)


CASES: dict[str, Callable[[], Made]] = {
    "mlp": mlp,
    "silu": silu,
    "many": many,
    "conv": conv,
    "recurrent": recurrent,
    "scaled": scaled,
}


def begun(case: str) -> tuple[keras.Model, Fed]:
    """The model of a case as a run builds it, and its samples."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(SEED)
    model, arrays = CASES[case]()
    return model, Fed(COUNT, BATCH, arrays=arrays, orders=Orders(COUNT, SEED))


def fitted(case: str) -> keras.Model:
    """The model after the `fit` of Keras, with kflab's order."""
    model, fed = begun(case)
    if keras.backend.backend() != "torch":
        model.fit(**fed.arguments, epochs=EPOCHS, verbose=0)
        return model
    # What is drawn on PyTorch before an order changes it: the order is given instead.
    read = Read(fed)
    follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: read.at_epoch(epoch))
    model.fit(read, shuffle=False, epochs=EPOCHS, verbose=0, callbacks=[follow])
    return model


class Read(keras.utils.PyDataset):
    """The batches of arrays in kflab's order, one after the other."""

    def __init__(self, fed: Fed) -> None:
        super().__init__()
        self._fed, self._epoch = fed, 0

    @property
    def whole(self) -> int:
        return self._fed.samples // BATCH

    def several(self, begin: int, count: int) -> Any:
        """Some whole batches, put together."""
        return keras.tree.map_structure(
            lambda *arrays: np.stack(arrays),
            *(self[index] for index in range(begin, begin + count)),
        )

    def at_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._fed.steps

    def __getitem__(self, index: int) -> Any:
        rows = self._fed.order_of(self._epoch)[index * BATCH : (index + 1) * BATCH]
        return keras.tree.map_structure(
            lambda array: None if array is None else array[rows], self._fed.arrays
        )


def stepped(case: str, plan: PlanSettings, groups: int) -> keras.Model:
    """The model after the same steps by a stepper, so many at once."""
    model, fed = begun(case)
    if plan.data == "streamed":
        fed = Fed(COUNT, BATCH, batches=Read(fed))
    stepper = make_stepper(model, fed, plan)
    for epoch in range(EPOCHS):
        stepper.begin_epoch(epoch)
        for begin, count in _groups(fed, groups):
            stepper.wait(stepper.train(begin, count))
    stepper.settle()
    model.optimizer.finalize_variable_values(model.trainable_weights)
    return model


def _groups(fed: Fed, size: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, fed.steps, size):
        yield begin, min(size, fed.steps - begin)


def values(model: keras.Model) -> list[Any]:
    """Every variable that training changes, as arrays of the host."""
    every = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in every]


def digest(arrays: list[Any]) -> str:
    """Tells whether all bits are equal."""
    return hashlib.sha256(b"".join(value.tobytes() for value in arrays)).hexdigest()[:16]


def off(arrays: list[Any], others: list[Any]) -> float:
    """The largest difference between numbers with a fraction."""
    pairs = zip(arrays, others, strict=True)
    return max(
        float(np.max(np.abs(a.astype("float64") - b.astype("float64")), initial=0.0))
        for a, b in pairs
        if a.dtype.kind == "f"
    )


WAYS: dict[str, tuple[PlanSettings, int]] = {
    "one at a time": (PlanSettings(data="device"), 1),
    "three at once": (PlanSettings(data="device"), 3),
    "streamed": (PlanSettings(data="streamed"), 2),
}

LOOPS: dict[str, tuple[PlanSettings, int]] = {
    "loop of one": (PlanSettings(steps_per_execution=2), 1),
    "loop of two": (PlanSettings(steps_per_execution=2), 2),
}


def compared(case: str, ways: Collection[str]) -> dict[str, Any]:
    """What the ways of a case come to; no ways: all that there are."""
    reference = values(fitted(case))
    found: dict[str, Any] = {"case": case, "fit": digest(reference)}
    every = {**WAYS, **(LOOPS if keras.backend.backend() == "jax" else {})}
    for way in ways or every:
        plan, groups = every[way]
        model = values(stepped(case, plan, groups))
        found[way] = digest(model)
        found[f"{way}, off"] = off(reference, model)
    return found


def main(cases: list[str]) -> None:
    for given in cases:
        case, _, ways = given.partition("=")
        sys.stdout.write(json.dumps(compared(case, ways.split(",") if ways else ())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
