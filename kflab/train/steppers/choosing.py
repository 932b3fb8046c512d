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

import keras

from kflab.errors import KflabError
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
