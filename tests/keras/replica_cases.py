"""A small model on one device and on several, which are made of the CPU; a process for each backend.

`python replica_cases.py CASE...` prints one line of JSON for each: the losses after each step, and how far
the weights are from those of one device.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from stepper_cases import L, Read, digest, off, values

from kflab.errors import KflabError
from kflab.experiment import PlanSettings
from kflab.train.feeding import Fed
from kflab.train.model_variables import put_back, values_of, variables_of
from kflab.train.orders import Orders
from kflab.train.steppers.choosing import make_stepper, over_devices

SEED, BATCH, EPOCHS = 5, 16, 3
DEVICES = ("cpu:0", "cpu:1")


def model() -> keras.Model:
    """A model that makes the same of a sample whatever others are in the batch."""
    i = keras.Input((6,))
    made = keras.Model(
        i, L.Dense(3, activation="softmax")(L.Dense(8, activation="tanh", kernel_regularizer="l2")(i))
    )
    made.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return made


def samples(count: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(SEED)
    return rng.random((count, 6), dtype="float32"), rng.integers(0, 3, count).astype("int32")


def trained(count: int, devices: tuple[str, ...], *, read: bool = False, cut: bool = False) -> dict[str, Any]:
    keras.utils.clear_session()
    keras.utils.set_random_seed(SEED)
    arrays = samples(count)
    with over_devices(devices):
        made = model()
        fed = Fed(count, BATCH, arrays=arrays, orders=Orders(count, SEED))
        if read:
            fed = Fed(count, BATCH, batches=Read(fed))
        stepper = make_stepper(made, fed, PlanSettings())
        test = Fed(21, BATCH, arrays=samples(21))
        losses: list[float] = []
        for epoch in range(EPOCHS):
            stepper.begin_epoch(epoch)
            steps = stepper.train(0, 2)
            losses.extend(map(float, np.asarray(steps.losses)))
            stepper.settle()
            if cut and epoch == 1:
                groups = variables_of(made)
                state = values_of([one for some in groups.values() for one in some])
                keras.utils.set_random_seed(99)
                made = model()
                stepper = make_stepper(made, fed, PlanSettings())
                put_back(variables_of(made), state)
                stepper.take_up()
                stepper.begin_epoch(epoch, fresh=False)
            steps = stepper.train(2, fed.steps - 2)
            losses.extend(map(float, np.asarray(steps.losses)))
        logs = {name: _number(value) for name, value in steps.logs.items()}
        stepper.settle()
        arrived = values(made)
        stepper.evaluate(test, begin=0, count=1)
        held = {name: _number(value) for name, value in stepper.evaluate(test, begin=1, count=1).logs.items()}
    return {"losses": losses, "logs": logs, "held": held, "values": arrived}


def _number(value: Any) -> float:
    return float(np.asarray(keras.ops.convert_to_numpy(value)))


def against_one(**ways: Any) -> Callable[[], dict[str, Any]]:
    def compare() -> dict[str, Any]:
        one = trained(devices=(), **{name: value for name, value in ways.items() if name == "count"})
        many = trained(devices=DEVICES, **ways)
        return {
            "losses": [one["losses"], many["losses"]],
            "logs": [one["logs"], many["logs"]],
            "held": [one["held"], many["held"]],
            "off": off(one["values"], many["values"]),
        }

    return compare


def gone_on() -> dict[str, Any]:
    whole, cut = trained(37, DEVICES), trained(37, DEVICES, cut=True)
    return {
        "whole": digest(whole["values"]),
        "cut": digest(cut["values"]),
        "losses": [whole["losses"], cut["losses"]],
    }


def refused() -> dict[str, Any]:
    """What is said where several devices cannot be had."""
    try:
        with over_devices(DEVICES):
            return {"said": ""}
    except KflabError as error:
        return {"said": str(error)}


CASES = {
    "refused": refused,
    "even": against_one(count=48),
    "last of odd": against_one(count=37),
    "last of one": against_one(count=33),
    "read": against_one(count=37, read=True),
    "gone on": gone_on,
}


def main(cases: list[str]) -> None:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * len(DEVICES)
        )
    for case in cases:
        sys.stdout.write(json.dumps({"case": case, **CASES[case]()}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main(sys.argv[1:])
