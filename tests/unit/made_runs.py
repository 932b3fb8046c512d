"""Runs made by hand, from a few words and numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

from kflab import document
from kflab.diagnose.run_facts import RunFacts, facts_of
from kflab.diagnose.verdict import verdict
from kflab.experiment import Experiment
from kflab.runs.events import Batch, End, Epoch, Event, Finished, Prepared, TargetFacts, Targets
from kflab.runs.history import RunState

TEN = TargetFacts((100,) * 10, samples=1000)

BASE = """
kflab: 1
data: {source: digits}
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    flat:  {Flatten: {}, from: image}
    HIDDEN
    digit: {Dense: {units: 10, activation: ACTIVATION}, from: hidden}
  outputs: [digit]
training: {optimizer: OPTIMIZER, loss: LOSS, metrics: [accuracy], epochs: EPOCHS, SEED CALLBACKS}
"""


@functools.cache
def experiment(
    *,
    hidden: str = "hidden: {Dense: {units: 64, activation: relu}, from: flat}",
    activation: str = "softmax",
    optimizer: str = "Adam",
    loss: str = "SparseCategoricalCrossentropy",
    epochs: int = 20,
    callbacks: str = "",
    seed: str = "seed: 1,",
) -> Experiment:
    text = BASE
    for word, value in (
        ("HIDDEN", hidden),
        ("ACTIVATION", activation),
        ("OPTIMIZER", optimizer),
        ("LOSS", loss),
        ("EPOCHS", str(epochs)),
        ("CALLBACKS", f"callbacks: {callbacks}" if callbacks else ""),
        ("SEED", seed),
    ):
        text = text.replace(word, value)
    return document.read_text(text)


def run(
    losses: Sequence[float | None],
    held: Sequence[float | None] = (),
    *,
    first: float | None = 2.303,
    own_accuracy: Sequence[float] = (),
    held_accuracy: Sequence[float] = (),
    of: Experiment | None = None,
    rate: float = 0.001,
    steps: int = 45,
    seconds: float = 0.2,
    samples: int = 1437,
    validation: int = 360,
    targets: Mapping[str, TargetFacts] | None = None,
    events: Sequence[Event] = (),
    finished: Finished | None = None,
    seed_drawn: bool = False,
    is_over: bool = True,
) -> RunFacts:
    done = of or experiment(epochs=max(1, len(losses)))
    state = RunState()
    state.apply(Targets(0.0, {"digit": TEN} if targets is None else targets))
    state.apply(
        Prepared(0.0, len(losses), steps, 32, samples, validation if held else 0, 360, 5000, ("digit",))
    )
    if first is not None:
        state.apply(Batch(0.0, 1, 1, steps, {"loss": first}, rate))
    for index, loss in enumerate(losses):
        logs: dict[str, float | None] = {"loss": loss}
        if index < len(held):
            logs["val_loss"] = held[index]
        if index < len(own_accuracy):
            logs["accuracy"] = own_accuracy[index]
        if index < len(held_accuracy):
            logs["val_accuracy"] = held_accuracy[index]
        state.apply(Epoch(0.0, index + 1, seconds, logs, rate))
    state.apply_all(events)
    if is_over:
        state.apply(finished or Finished(1.0, End.DONE, {}, 1.0, "", len(losses)))
    return facts_of(state, done, is_over=is_over, seed=77, seed_drawn=seed_drawn)


def codes(facts: RunFacts) -> list[str]:
    return [finding.code for finding in verdict(facts)]


def falling(start: float, end: float, epochs: int, pace: float = 0.3) -> list[float]:
    return [end + (start - end) * math.exp(-pace * epoch) for epoch in range(1, epochs + 1)]


def noisy(values: Sequence[float], share: float) -> list[float]:
    return [value * (1 + share * math.sin(7.3 * index)) for index, value in enumerate(values)]
