"""The rows about training: numbers, the optimizer and the callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec

from kflab.catalog import Argument, ArgumentKind, Entry, Kind
from kflab.experiment import POLICIES, Experiment, Spec
from kflab.graph.edited import Edited
from kflab.runs.plan import DataPath
from kflab.tui.rows.arguments import refuse
from kflab.tui.rows.row import Row, entry_help, entry_options
from kflab.tui.rows.setting import Setting, field_row, spec_of, spec_rows, with_training
from kflab.values import Value

_WEIGHTS = (
    "A .weights.h5 or .keras file whose weights training starts from; a relative path starts at the "
    "experiment's file. Layers are found by name; those that the file does not have start fresh."
)

_CLASSES = (
    "How much the samples of each class count, by its label or number: {malignant: 3}. balanced lets all "
    "classes count the same; none: every sample counts 1."
)

_KEPT = "learning_rate"
"""What a person set of one optimizer and another that is chosen takes over."""


def optimizer_rows(setting: Setting) -> Iterator[Row]:
    """The optimizer and its arguments."""
    optimizer = setting.experiment.training.optimizer
    argument = Argument("optimizer", ArgumentKind.OPTIMIZER, required=True)

    def put(experiment: Experiment, spec: Spec) -> Edited:
        training = msgspec.structs.replace(experiment.training, optimizer=spec)
        return with_training(experiment, training, f"optimizer {spec.name}")

    def choose(experiment: Experiment, value: Value) -> Edited:
        refuse(setting.catalog, argument, value)
        chosen = spec_of(value)
        entry = setting.catalog.find(Kind.OPTIMIZER, chosen.name)
        kept = {
            name: given
            for name, given in experiment.training.optimizer.arguments.items()
            if name == _KEPT and entry is not None and entry.argument(name)
        }
        return put(experiment, Spec(chosen.name, {**kept, **chosen.arguments}))

    under = list(
        spec_rows(
            setting,
            Kind.OPTIMIZER,
            lambda experiment: experiment.training.optimizer,
            put,
            path=("optimizer",),
        )
    )
    yield Row(
        label="optimizer",
        path=("optimizer",),
        opens=True if under else None,
        shown=optimizer.name,
        value=optimizer.name,
        changed=True,
        help=entry_help(setting.catalog.find(Kind.OPTIMIZER, optimizer.name)),
        severity=setting.severity("training.optimizer"),
        argument=argument,
        options=lambda: entry_options(setting.catalog, Kind.OPTIMIZER, {optimizer.name}),
        apply=choose,
    )
    yield from under


_NUMBERS = (
    Argument("batch_size", ArgumentKind.INT, default=32, help="Samples in one step."),
    Argument("epochs", ArgumentKind.INT, default=10, help="Passes over the training samples."),
    Argument(
        "seed",
        ArgumentKind.INT,
        default=None,
        nullable=True,
        help="Fixes initial weights, order and dropout; none: a fresh one is drawn and recorded.",
    ),
)

_WEIGHT_FIELDS = (
    Argument(
        "class_weight", ArgumentKind.ANY, default=None, nullable=True, choices=("balanced",), help=_CLASSES
    ),
    Argument("initial_weights", ArgumentKind.TEXT, default="", help=_WEIGHTS),
)

_PRECISION = (
    "What layers compute in and keep their weights in. mixed_bfloat16 and mixed_float16 (mixed precision, "
    "half precision, AMP) compute in 16 bits and keep weights in 32: faster on GPUs, half the memory of "
    "activations. Nothing: Keras' own setting, float32 as a rule."
)
_DETERMINISTIC = (
    "Whether equal seeds give equal weights where a faster way would not (reproducible runs); slower on "
    "GPUs. On a CPU, TensorFlow and JAX do that anyway."
)
_HOW_FIELDS = (
    Argument("dtype_policy", ArgumentKind.TEXT, default="", choices=POLICIES, help=_PRECISION),
    Argument("deterministic", ArgumentKind.BOOL, default=False, help=_DETERMINISTIC),
    Argument(
        "snapshot_seconds",
        ArgumentKind.FLOAT,
        default=60.0,
        help="Seconds between two snapshots (checkpoints to go on from) inside of long epochs; one is taken "
        "after each epoch.",
    ),
)

_PLAN_FIELDS = (
    Argument(
        "steps_per_execution",
        ArgumentKind.INT,
        default=None,
        nullable=True,
        help="So many steps are given to the device at once; none: as many as take a tenth of a second.",
    ),
    Argument(
        "data",
        ArgumentKind.TEXT,
        default=None,
        nullable=True,
        choices=get_args(DataPath),
        help="Where batches come from: device (all samples lie on it), memory, cached (on disk once they are "
        "prepared) or streamed; none: what was measured to be fast.",
    ),
    Argument(
        "jit_compile",
        ArgumentKind.BOOL,
        default=None,
        nullable=True,
        help="Whether XLA compiles the steps; none: where that was measured to be faster.",
    ),
)


def how_rows(setting: Setting) -> Iterator[Row]:
    """What is computed in, in which order, how often a snapshot is taken, and what of the plan is fixed."""
    yield from (field_row(setting, argument, "training") for argument in _HOW_FIELDS)
    yield from (field_row(setting, argument, "training", under="plan") for argument in _PLAN_FIELDS)


def number_rows(setting: Setting) -> Iterator[Row]:
    """Batch size, epochs and seed."""
    return (field_row(setting, argument, "training") for argument in _NUMBERS)


def weight_rows(setting: Setting) -> Iterator[Row]:
    """How much each class counts, and the weights to start from."""
    return (field_row(setting, argument, "training") for argument in _WEIGHT_FIELDS)


def callback_rows(setting: Setting) -> Iterator[Row]:
    """Every callback of the catalog as a switch; the arguments of those that are on."""
    callbacks = setting.experiment.training.callbacks
    for entry in setting.catalog.entries(Kind.CALLBACK):
        if entry.unsafe:
            continue
        places = [index for index, spec in enumerate(callbacks) if spec.name in {entry.name, *entry.aliases}]
        for number, index in enumerate(places):
            path = ("callbacks", entry.name, str(number))
            under = list(_argument_rows(setting, index, path))
            yield _callback_row(setting, entry, index, path, opens=True if under else None)
            yield from under
        if not places:
            yield _callback_row(setting, entry, None, ("callbacks", entry.name, "0"))


def _argument_rows(setting: Setting, index: int, path: tuple[str, ...]) -> Iterator[Row]:
    def get(experiment: Experiment) -> Spec:
        return experiment.training.callbacks[index]

    def put(experiment: Experiment, spec: Spec) -> Edited:
        before = experiment.training.callbacks
        return _with_callbacks(experiment, (*before[:index], spec, *before[index + 1 :]), f"set {spec.name}")

    return spec_rows(setting, Kind.CALLBACK, get, put, path=path)


def _with_callbacks(experiment: Experiment, callbacks: tuple[Spec, ...], name: str) -> Edited:
    changed = msgspec.structs.replace(experiment.training, callbacks=callbacks)
    return with_training(experiment, changed, name)


def _callback_row(
    setting: Setting, entry: Entry, index: int | None, path: tuple[str, ...], *, opens: bool | None = None
) -> Row:
    """The switch of a callback: of the one at `index`, or of one that is not there yet."""
    argument = Argument(entry.name, ArgumentKind.BOOL, default=False)

    def switch(experiment: Experiment, value: Value) -> Edited:
        refuse(setting.catalog, argument, value)
        before = experiment.training.callbacks
        if index is None:
            after = (*before, Spec(entry.name)) if value else before
        else:
            after = before if value else (*before[:index], *before[index + 1 :])
        return _with_callbacks(experiment, after, f"{entry.name} {'on' if value else 'off'}")

    is_on = index is not None
    return Row(
        label=entry.name,
        path=path,
        opens=opens,
        shown="on" if is_on else "off",
        value=is_on,
        changed=is_on,
        help=entry_help(entry),
        severity=setting.severity(f"training.callbacks.{entry.name}"),
        argument=argument,
        apply=switch,
        reset=lambda experiment: switch(experiment, value=False),
    )
