"""Which stepper makes the steps of a run, and what the parts of a plan mean on each backend.

`steps_per_execution`: so many steps are made before anybody looks. On TensorFlow it is one loop for any
number, so the number changes no bit. On JAX each step is a call by itself where it is 1 or left out; where it
is more, and samples are arrays, a loop of steps is compiled as one function. That is faster for short steps,
slower for convolutions on a CPU, and rounds differently for some nets. On PyTorch steps are calls by
themselves always.

`jit_compile`: XLA compiles the steps on TensorFlow, `torch.compile` on PyTorch; both may round differently.
On JAX XLA compiles them always.

`data`: samples that are arrays lie on the device, others go there batch by batch, on every backend. Which
they are is settled before a stepper has them (`kflab.train.data_path`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import keras

from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import PlanSettings
from kflab.runs.plan import Plan
from kflab.train.feeding import Fed
from kflab.train.steppers.stepper import Stepper


def make_stepper(model: keras.Model, fed: Fed, plan: Plan | PlanSettings) -> Stepper:
    """The stepper of the backend, and of the devices that the model was built for.

    Args:
        model: the compiled model.
        fed: the training samples.
        plan: how steps are made; what it leaves open is as `Plan` has it.

    Raises:
        KflabError: there is none.
    """
    match keras.backend.backend():
        case "tensorflow":
            if model.distribute_strategy.num_replicas_in_sync > 1:
                return _over_replicas(model, fed, plan)
            from kflab.train.steppers.tensorflow import TensorFlowStepper

            return TensorFlowStepper(model, fed, jit_compile=bool(plan.jit_compile))
        case "jax":
            from kflab.train.steppers.jax import JaxStepper

            return JaxStepper(model, fed, loop=plan.steps_per_execution or 1)
        case "torch":
            from kflab.train.steppers.torch import TorchStepper

            return TorchStepper(model, fed, jit_compile=bool(plan.jit_compile))
        case backend:
            raise KflabError(f"no steps can be made on {backend}")


def _over_replicas(model: keras.Model, fed: Fed, plan: Plan | PlanSettings) -> Stepper:
    from kflab.train.steppers.replicas import ReplicaStepper

    if plan.jit_compile:
        raise UnusableInputError(
            "XLA does not compile steps that several devices share on TensorFlow; leave jit_compile out, "
            "train on one device, or use the backend jax",
            path="training.plan.jit_compile",
        )
    return ReplicaStepper(model, fed)


@contextlib.contextmanager
def over_devices(names: Sequence[str]) -> Iterator[None]:
    """Where a model is built, compiled and trained that is to be trained on several devices of this machine.

    Each makes its share of every batch: `tf.distribute.MirroredStrategy` on TensorFlow,
    `keras.distribution.DataParallel` on JAX.

    Args:
        names: the devices as this process sees them, as `gpu:0`; with one or none, all is as without.

    Raises:
        UnusableInputError: the backend cannot do that.
    """
    if len(names) < 2:
        yield
        return
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            with tf.distribute.MirroredStrategy([name.upper() for name in names]).scope():
                yield
        case "jax":
            with keras.distribution.DataParallel(devices=list(names), auto_shard_dataset=False).scope():
                yield
        case backend:
            raise UnusableInputError(
                f"Keras trains on one device with {backend}, not on {len(names)}; choose gpu, or the backend "
                "tensorflow or jax",
                path="device",
            )
