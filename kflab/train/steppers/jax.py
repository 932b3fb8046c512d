"""Steps on JAX: a function of the state of the model, which stays on the device from step to step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import DTypeLike

from kflab.data.arrays import Array
from kflab.train.feeding import Fed
from kflab.train.steppers.jax_samples import Batch, OnDevice, Placement, Samples, Streamed
from kflab.train.steppers.stepper import Made
from kflab.train.steppers.variables import make_variables

Values: TypeAlias = list[jax.Array]
State: TypeAlias = tuple[Values, Values, Values, Values]
"""The values of the trainable, the other, the optimizer's and the metrics' variables, as Keras has them."""

Logs: TypeAlias = dict[str, jax.Array]

Tested: TypeAlias = tuple[Logs, tuple[Values, Values]]
"""What a step of an evaluation makes: logs, and what it changed of the other and the metrics' variables."""


class JaxStepper:
    """Makes the steps of a model on JAX.

    A step is Keras' own (`train_step`, `test_step`), compiled as `fit` compiles it, so that its results are
    those of `fit` to the bit. In the other form, a loop of many steps is compiled as one function; it may
    round differently. In neither do results depend on how many steps are made at once.

    The values of variables belong to the stepper while steps are made: the model's variables are good from
    `settle` to the next step.

    Args:
        model: the compiled model.
        fed: the training samples.
        loop: up to so many steps are made by one call of a compiled loop; 1: each is a call of its own, as is
            each step on samples that are read.
    """

    def __init__(self, model: keras.Model, fed: Fed, *, loop: int = 1) -> None:
        self._model, self._fed = model, fed
        self._placement = Placement(keras.distribution.distribution())
        self._samples = self._samples_of(fed)
        self._samples.begin_epoch(0)
        make_variables(model, self._samples.batch(0), jax.eval_shape)
        self._state = self._read()
        self._step = self._compiled_step()
        self._loop: _Loop | None = None
        if loop > 1 and isinstance(self._samples, OnDevice):
            self._loop = _Loop(model, self._samples, fed.batch_size, loop, self._shardings(self._state))
        self._tests: dict[int, tuple[Fed, Samples]] = {}
        self._test_step = self._compiled_test_step()
        self._test_metrics: Values = []

    def begin_epoch(self, epoch: int, *, fresh: bool = True) -> None:
        """Goes to an epoch, counted from 0; unless `fresh`, the metrics go on from where they are."""
        if fresh:
            self._state = (*self._state[:3], self._fresh_metrics())
        self._samples.begin_epoch(epoch)

    def train(self, step: int, count: int) -> Made:
        """Makes `count` steps of the epoch at hand, from the one with index `step` on."""
        logs: Logs = {}
        losses: list[tuple[jax.Array, int]] = []
        end = step + count
        if self._loop is not None:
            # The last batch may be smaller, which is a function of its own.
            whole = min(end, self._fed.samples // self._fed.batch_size)
            while step < whole:
                made = min(whole - step, self._loop.limit)
                self._state, logs, lost = self._loop.make(self._state, step, made)
                losses.append((lost, made))
                step += made
        for index in range(step, end):
            batch = self._samples.batch(index)
            logs, self._state = self._step(self._state, batch)
            losses.append((logs["loss"], 1))
        return Made(logs, Losses(losses))

    def evaluate(self, fed: Fed, *, begin: int, count: int) -> Made:
        """Makes steps of an evaluation; with `begin` 0 its metrics start anew. Those of the epoch stay."""
        if id(fed) not in self._tests:
            self._tests[id(fed)] = fed, self._samples_of(fed)
        samples = self._tests[id(fed)][1]
        if begin == 0:
            samples.begin_epoch(0)
            self._test_metrics = self._fresh_metrics()
        logs: Logs = {}
        losses: list[tuple[jax.Array, int]] = []
        for index in range(begin, begin + count):
            batch = samples.batch(index)
            trainable, others, optimizer, metrics = self._state
            logs, (others, self._test_metrics) = self._test_step(
                (others, self._test_metrics), trainable, batch
            )
            self._state = trainable, others, optimizer, metrics
            losses.append((logs["loss"], 1))
        return Made(logs, Losses(losses))

    def settle(self) -> None:
        """Brings the variables of the model up to date; nothing is copied."""
        for variables, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def take_up(self) -> None:
        """Takes up what was changed in the variables of the model since `settle`."""
        self._state = self._read()

    def wait(self, made: Made) -> None:
        """Waits until the device has made these steps."""
        jax.block_until_ready(made.logs)

    def _samples_of(self, fed: Fed) -> Samples:
        return OnDevice(fed, self._placement) if fed.batches is None else Streamed(fed, self._placement)

    def _variables(self) -> tuple[Sequence[keras.Variable], ...]:
        model = self._model
        optimizer = model.optimizer.variables if model.optimizer is not None else []
        return model.trainable_variables, model.non_trainable_variables, optimizer, model.metrics_variables

    def _read(self) -> State:
        seen: set[int] = set()

        def own(value: jax.Array) -> jax.Array:
            # A moving average that is written into a weight shares its memory; each is given away by itself.
            if id(value) in seen:
                return jnp.copy(value)
            seen.add(id(value))
            return value

        first, second, third, fourth = (
            [own(variable.value) for variable in variables] for variables in self._variables()
        )
        return first, second, third, fourth

    def _fresh_metrics(self) -> Values:
        """The values that metrics begin with; the model's own are left as they are."""
        with keras.StatelessScope() as scope:
            self._model.reset_metrics()
        values = []
        for variable, value in zip(self._model.metrics_variables, self._state[3], strict=True):
            begun = scope.get_current_value(variable)
            values.append(self._placement.whole(jnp.copy(value) if begun is None else begun))
        return values

    def _shardings(self, state: tuple[Values, ...]) -> Any:
        """Where the values of variables are to stay; None leaves it to JAX, where there is one device."""
        if keras.distribution.distribution() is None:
            return None
        return jax.tree.map(lambda value: value.sharding, state)

    def _compiled_step(self) -> Callable[[State, Batch], tuple[Logs, State]]:
        kept = self._shardings(self._state)
        compiled: Callable[[State, Batch], tuple[Logs, State]] = jax.jit(
            self._model.train_step, donate_argnums=0, out_shardings=None if kept is None else (None, kept)
        )
        return compiled

    def _compiled_test_step(self) -> Callable[[tuple[Values, Values], Values, Batch], Tested]:
        def step(changing: tuple[Values, Values], trainable: Values, batch: Batch) -> Tested:
            others, metrics = changing
            logs, (_, others, metrics) = self._model.test_step((trainable, others, metrics), batch)
            return logs, (others, metrics)

        kept = self._shardings((self._state[1], self._state[3]))
        # Nothing is given away: who looks at the model while it is evaluated finds it as it was before.
        compiled: Callable[[tuple[Values, Values], Values, Batch], Tested] = jax.jit(
            step, out_shardings=None if kept is None else (None, kept)
        )
        return compiled


class Losses:
    """The losses after some steps, which become an array of the host when they are asked for.

    To put them together on the device would be one more program for each number of steps.

    Args:
        parts: arrays, and how many losses stand at the front of each.
    """

    def __init__(self, parts: Sequence[tuple[jax.Array, int]]) -> None:
        self._parts = parts

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        del copy  # It always is one.
        values = jax.device_get([array for array, _ in self._parts])
        cut = [np.ravel(value)[:count] for value, (_, count) in zip(values, self._parts, strict=True)]
        return np.concatenate(cut).astype(dtype or "float32")


class _Loop:
    """Many steps in one call of a function: so many as asked for, up to a limit, without compiling it again.

    Args:
        model: the compiled model.
        samples: the training samples.
        batch_size: samples in each step.
        limit: the most steps of one call.
        kept: where the values of variables are to stay.
    """

    def __init__(self, model: keras.Model, samples: OnDevice, batch_size: int, limit: int, kept: Any) -> None:
        self._model, self._samples, self._batch_size = model, samples, batch_size
        self.limit = limit
        self._compiled = jax.jit(
            self._steps, donate_argnums=0, out_shardings=None if kept is None else (kept, None, None)
        )

    def make(self, state: State, begin: int, count: int) -> tuple[State, Logs, jax.Array]:
        """Makes steps; returns the state, the logs after the last, and the losses after each."""
        made: tuple[State, Logs, jax.Array] = self._compiled(
            state, self._samples.arrays, self._samples.order, begin, count
        )
        return made

    def _steps(
        self, state: State, arrays: Batch, order: jax.Array | None, begin: jax.Array, count: jax.Array
    ) -> tuple[State, Logs, jax.Array]:
        def batch(step: jax.Array) -> Batch:
            return self._samples.take(arrays, order, step * self._batch_size, self._batch_size)

        def body(index: jax.Array, carried: tuple[State, Logs, jax.Array]) -> tuple[State, Logs, jax.Array]:
            before, logs_before, losses = carried
            logs, after = self._model.train_step(before, batch(begin + index))
            after = jax.tree.map(lambda value, old: value.astype(old.dtype), tuple(after), before)
            logs = jax.tree.map(lambda value, old: jnp.asarray(value, old.dtype), logs, logs_before)
            return after, logs, losses.at[index].set(logs["loss"].astype(losses.dtype))

        shapes = jax.eval_shape(lambda: self._model.train_step(state, batch(begin))[0])
        logs = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
        losses = jnp.zeros(self.limit, "float32")
        made: tuple[State, Logs, jax.Array] = jax.lax.fori_loop(0, count, body, (state, logs, losses))
        return made
