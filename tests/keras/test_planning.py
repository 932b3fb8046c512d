"""The plan of a training: what is chosen, that measuring leaves no trace, and that it changes speed alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest

from kflab import document
from kflab.data.load import load
from kflab.data.parts import Part, Splits
from kflab.engine.build import build
from kflab.experiment import Experiment, PlanSettings
from kflab.runs.plan import DataPath, Plan
from kflab.train import planning
from kflab.train.compiling import compile_model
from kflab.train.data_path import Chosen, Room, choose_data, feed
from kflab.train.feeding import Fed
from kflab.train.grouping import MOST, Grouping
from kflab.train.planning import Planner
from kflab.train.steppers.choosing import make_stepper
from kflab.train.steppers.stepper import Made

DIGITS = """
kflab: 1
data: {source: digits, limit: 300, test: 0, validation: 0.1}
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    flat: {Flatten: {}, from: image}
    hidden: {Dense: {units: 16}, from: flat}
    normal: {BatchNormalization: {}, from: hidden}
    dropped: {Dropout: {rate: 0.3}, from: normal}
    digit: {Dense: {units: 10, activation: softmax}, from: dropped}
  outputs: [digit]
training: {loss: SparseCategoricalCrossentropy, metrics: [accuracy], batch_size: 8, epochs: 50, seed: 1}
"""


class Unread:
    """Rows that are not in memory."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows
        self.shape, self.dtype = rows.shape, rows.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self._rows[rows]


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return document.read_text(DIGITS)


@pytest.fixture(scope="module")
def splits(experiment: Experiment) -> Splits:
    return load(experiment, None, None, 1)


def unread(part: Part) -> Part:
    return part.each(lambda rows: Unread(np.asarray(rows[:])))


def compiled(experiment: Experiment) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = build(experiment)
    compile_model(model, experiment.training)
    return model


def values(model: keras.Model) -> list[bytes]:
    every = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [np.asarray(keras.ops.convert_to_numpy(one)).tobytes() for one in every]


def trained(model: keras.Model, stepper: Any, fed: Fed, sizes: Sequence[int]) -> list[bytes]:
    """All values after an epoch that is made in groups of these sizes, and a bit of the next one."""
    for epoch, steps in ((0, fed.steps), (1, 3)):
        stepper.begin_epoch(epoch)
        at, number = 0, 0
        while at < steps:
            count = min(sizes[number % len(sizes)], steps - at)
            stepper.wait(stepper.train(at, count))
            at, number = at + count, number + 1
    stepper.settle()
    return values(model)


@pytest.mark.parametrize(
    "xla", [False, pytest.param(None, marks=pytest.mark.slow)], ids=["without XLA", "with and without"]
)
def test_measuring_leaves_no_trace(experiment: Experiment, splits: Splits, xla: bool | None) -> None:
    path = choose_data(splits, Room(2**33))
    fed = feed(experiment, splits, path.data, seed=1, weights=None).train
    model = compiled(experiment)
    plain = trained(model, make_stepper(model, fed, Plan()), fed, [1])

    model = compiled(experiment)
    before: list[list[bytes]] = []

    def make(plan: Plan) -> Any:
        stepper = make_stepper(model, fed, plan)
        before.append(values(model))
        return stepper

    planner = Planner(model, fed, PlanSettings(jit_compile=xla), path, epochs=50, make=make, is_asked=True)
    measured = planner.measured()
    assert set(measured.step_seconds) == ({"without XLA"} if xla is False else {"without XLA", "with XLA"})
    assert measured.seconds > 0
    assert values(model) == before[0]
    # XLA rounds in another way, so the comparison is made without.
    assert trained(model, make_stepper(model, fed, Plan()), fed, [1]) == plain


@pytest.mark.parametrize(
    "paths",
    [{"device": [1], "memory": [32, 3]}, {"device": [5], "cached": [5, 2], "streamed": [8]}],
    ids=["arrays", "samples that are read"],
)
def test_neither_groups_nor_the_path_of_the_data_change_a_bit(
    experiment: Experiment, splits: Splits, paths: dict[DataPath, list[int]]
) -> None:
    if "streamed" in paths:
        splits = Splits(unread(splits.train), splits.validation, None, splits.fitted)
    found = []
    for data, sizes in paths.items():
        model = compiled(experiment)
        fed = feed(experiment, splits, data, seed=1, weights=None).train
        assert (fed.batches is None) == (data == "device")
        found.append(trained(model, make_stepper(model, fed, Plan()), fed, sizes))
    assert all(one == found[0] for one in found)


def test_samples_go_where_there_is_room_for_them(splits: Splits) -> None:
    # 270 training and 30 validation samples of 64 numbers of 32 bits and a label.
    size = 300 * (64 + 1) * 4
    assert choose_data(splits, Room(2**33)).data == "device"
    assert choose_data(splits, Room(2**33, 10 * size)).data == "device"
    assert choose_data(splits, Room(2**33, 2 * size)).data == "memory"
    assert choose_data(splits, Room(2**33), "streamed").data == "streamed"
    read = Splits(unread(splits.train), unread(splits.validation), None, splits.fitted)
    assert choose_data(read, Room(2**33)).data == "cached"
    assert choose_data(read, Room(2 * size)).data == "streamed"
    assert "78 kB" in choose_data(read, Room(2**20)).reason


class Clock:
    """Time that passes only while stub steps are made."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class StubStepper:
    """Makes steps that take a given time and change the weights."""

    def __init__(self, model: keras.Model, clock: Clock, seconds: float, first: float) -> None:
        self._model, self._clock, self._seconds, self._first = model, clock, seconds, first
        self.made = 0

    def begin_epoch(self, epoch: int, *, fresh: bool = True) -> None:
        pass

    def train(self, step: int, count: int) -> Made:
        self._clock.now += self._first + count * self._seconds
        self._first = 0.0
        self.made += count
        variable = self._model.trainable_variables[0]
        variable.assign(variable + 1)
        return Made({}, None)

    def settle(self) -> None:
        pass

    def take_up(self) -> None:
        pass

    def wait(self, made: Made) -> None:
        pass


class Trial:
    """A plan that is measured with stubs in place of the real steps.

    Args:
        plain: seconds of a step without XLA.
        fused: seconds of a step with XLA; None makes it fail.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, plain: float, fused: float | None) -> None:
        self.clock = Clock()
        monkeypatch.setattr(planning, "time", self.clock)
        keras.utils.set_random_seed(1)
        self.model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        self.model.compile("sgd", "mse")
        self.model.optimizer.build(self.model.trainable_variables)
        self.steppers: list[StubStepper] = []
        self._plain, self._fused = plain, fused

    def measured(
        self,
        *,
        epochs: int = 100,
        settings: PlanSettings | None = None,
        deterministic: bool = False,
        is_asked: bool = False,
    ) -> planning.Measured:
        def make(plan: Plan) -> Any:
            if plan.jit_compile and self._fused is None:
                raise ValueError("XLA does not know this\nat all")
            seconds = self._fused if plan.jit_compile else self._plain
            assert seconds is not None
            self.steppers.append(StubStepper(self.model, self.clock, seconds, 0.1))
            return self.steppers[-1]

        before = values(self.model)
        found = Planner(
            self.model,
            Fed(32_000, 32),
            settings or PlanSettings(),
            Chosen("device", "data device"),
            epochs=epochs,
            make=make,
            deterministic=deterministic,
            is_asked=is_asked,
        ).measured()
        assert values(self.model) == before
        return found


def test_xla_is_used_where_it_wins_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(monkeypatch, plain=0.01, fused=0.005)
    measured = trial.measured()
    assert measured.plan.jit_compile
    assert measured.stepper is trial.steppers[1]
    assert measured.plan.steps_per_execution == 20
    assert "with XLA: a step takes 5.00 ms with XLA, 10.00 ms without XLA" in measured.reasons


@pytest.mark.parametrize("fused", [0.0095, 0.02])
def test_xla_is_left_where_it_does_not(monkeypatch: pytest.MonkeyPatch, fused: float) -> None:
    trial = Trial(monkeypatch, plain=0.01, fused=fused)
    measured = trial.measured()
    assert not measured.plan.jit_compile
    assert measured.stepper is trial.steppers[0]
    assert measured.plan.steps_per_execution == 10


def test_xla_that_fails_is_left_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Trial(monkeypatch, plain=0.01, fused=None).measured()
    assert not measured.plan.jit_compile
    assert "without XLA: with XLA it fails: XLA does not know this" in measured.reasons


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"settings": PlanSettings(jit_compile=False)}, "jit_compile off: the document says so"),
        ({"settings": PlanSettings(jit_compile=True)}, "jit_compile on: the document says so"),
        ({"deterministic": True}, "without XLA: the training is to be deterministic"),
        ({"epochs": 1}, "without XLA: training takes 10.0 s, too little to try more (1.6 s)"),
    ],
)
def test_xla_is_tried_only_where_it_may_be(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], reason: str
) -> None:
    trial = Trial(monkeypatch, plain=0.01, fused=0.005)
    measured = trial.measured(**options)
    assert len(trial.steppers) == 1
    assert reason in measured.reasons


def test_measuring_takes_a_small_share_of_a_training_and_none_of_a_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 300 s of training: what the first step prepares is needed in any case.
    trial = Trial(monkeypatch, plain=0.003, fused=0.002)
    assert trial.measured().seconds <= 0.02 * 300
    # Steps of 20 seconds: two of them tell enough.
    trial = Trial(monkeypatch, plain=20.0, fused=30.0)
    trial.measured(epochs=1)
    assert sum(stepper.made for stepper in trial.steppers) <= 4
    trial = Trial(monkeypatch, plain=0.01, fused=0.005)
    monkeypatch.setattr(planning, "LEAST_STEPS", 10_000)
    measured = trial.measured(epochs=9)
    assert trial.steppers[0].made == 0
    assert measured.seconds == 0
    assert measured.reasons[-1] == "not measured: the training has 9000 steps in all"


def test_fixed_steps_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PlanSettings(steps_per_execution=7)
    trial = Trial(monkeypatch, plain=0.001, fused=0.001)
    measured = trial.measured(settings=settings)
    assert measured.plan.steps_per_execution == 7
    grouping = measured.grouping(settings, Fed(32_000, 32))
    grouping.took(7, 0.00007)
    assert grouping.size == 7


def test_groups_begin_as_measured_and_grow_from_there() -> None:
    grouping = Grouping(start=50)
    assert grouping.size == 50
    grouping.took(50, 0.01)
    assert grouping.size == 100
    assert Grouping(start=4 * MOST).size == MOST
