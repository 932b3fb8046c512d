"""The rows about data: the dataset, its arguments, and which array goes where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kflab.catalog import Argument, ArgumentKind, datasets
from kflab.catalog.datasets import ArrayInfo, DatasetInfo, TargetInfo
from kflab.catalog.matching import BESIDE, match
from kflab.experiment import Data, Experiment
from kflab.graph.edited import Edited
from kflab.tui.rows.arguments import argument_rows
from kflab.tui.rows.holder import Holder, without
from kflab.tui.rows.preparation import preparation_rows
from kflab.tui.rows.row import Option, Row
from kflab.tui.rows.setting import Setting, field_row, with_data
from kflab.tui.text import bytes_text, plural, shape_text
from kflab.values import Value

_SCALE = (
    "A number divides every numeric input by it; standard brings each feature to mean 0 and standard "
    "deviation 1. none: images in whole numbers are divided by 255."
)

_FIELDS = (
    Argument(
        "validation",
        ArgumentKind.FLOAT,
        default=0.1,
        help="The fraction of the training samples held back to validate each epoch.",
    ),
    Argument(
        "test",
        ArgumentKind.FLOAT,
        default=0.2,
        help="The fraction held back for the test, where the dataset brings no test split.",
    ),
    Argument("scale", ArgumentKind.ANY, default=None, nullable=True, choices=("standard",), help=_SCALE),
    Argument(
        "limit",
        ArgumentKind.INT,
        default=None,
        nullable=True,
        help="Only the first so many training samples; none: all.",
    ),
    Argument(
        "split",
        ArgumentKind.CHOICE,
        default="",
        choices=("", "random", "stratified", "time"),
        help="How validation and test are held back: stratified keeps the share of every class, time takes "
        "the last samples. Left empty: time where samples follow each other in time, else stratified.",
    ),
    Argument(
        "order_by",
        ArgumentKind.TEXT,
        default="",
        help="The column that tells the order of the samples in time; they are then split in time.",
    ),
    Argument(
        "shuffle",
        ArgumentKind.BOOL,
        default=True,
        help="Whether samples change places before they are split and in each epoch, by the seed.",
    ),
)
"""The fields of `data` that are the same for every dataset."""


def data_rows(setting: Setting) -> Iterator[Row]:
    """The dataset and what is done with it."""
    data = setting.experiment.data

    def choose(experiment: Experiment, value: Value) -> Edited:
        return with_data(experiment, Data(source=str(value), validation=data.validation), f"data {value}")

    yield Row(
        label="dataset",
        path=("dataset",),
        shown=data.source or "none chosen",
        value=data.source,
        help=dataset_help(setting.info) if setting.info else "Choose a dataset with Enter.",
        severity=setting.severity("data.source") or setting.severity("data"),
        options=lambda: dataset_options(data.source),
        argument=Argument("dataset", ArgumentKind.TEXT, required=True),
        apply=choose,
        changed=bool(data.source),
    )
    for argument in setting.info.arguments if setting.info else ():
        yield from _dataset_argument(setting, argument)
    yield from (field_row(setting, argument, "data") for argument in _FIELDS)
    if setting.info:
        yield from _feeding_rows(setting, setting.info)
        yield from preparation_rows(setting, setting.info)


def _dataset_argument(setting: Setting, argument: Argument) -> Iterator[Row]:
    def put(experiment: Experiment, name: str, value: Value) -> Edited:
        data = experiment.data
        changed = msgspec.structs.replace(data, arguments={**data.arguments, name: value})
        return with_data(experiment, changed, f"set {name}")

    def drop(experiment: Experiment, name: str) -> Edited:
        data = experiment.data
        changed = msgspec.structs.replace(data, arguments=without(data.arguments, name))
        return with_data(experiment, changed, f"reset {name}")

    holder = Holder(setting.experiment.data.source, lambda experiment: experiment.data.arguments, put, drop)
    return argument_rows(setting.catalog, argument, holder, setting.experiment, path=("dataset",), indent=1)


def _feeding_rows(setting: Setting, info: DatasetInfo) -> Iterator[Row]:
    model = setting.experiment.model
    matching = match(model, setting.experiment.data, info)
    if len(info.inputs) > 1 or info.columns or len(model.input_names()) > 1:
        for name in model.input_names():
            options = [_array_option(array) for array in (*info.inputs, *info.columns)]
            yield _feeding(setting, "inputs", name, matching.inputs.get(name), options)
    targets = [_target_option(target) for target in info.targets]
    # Even a single output has a choice: held against an input it makes an autoencoder.
    for name in model.output_names():
        options = [*targets, *(_array_option(array) for array in info.inputs)]
        yield _feeding(setting, "targets", name, matching.targets.get(name), options)


def _feeding(
    setting: Setting, part: str, name: str, found: ArrayInfo | TargetInfo | None, options: Sequence[Option]
) -> Row:
    given: Mapping[str, str | tuple[str, ...]] = getattr(setting.experiment.data, part)
    # Columns that are put side by side are one array for the model.
    chosen = {name: one if isinstance(one, str) else BESIDE.join(one) for name, one in given.items()}
    word = "input" if part == "inputs" else "target of"

    def put(experiment: Experiment, value: Value) -> Edited:
        known = getattr(experiment.data, part)
        changed = msgspec.structs.replace(
            experiment.data, **{part: {**known, name: _named(str(value), part)}}
        )
        return with_data(experiment, changed, f"feed {name}")

    def reset(experiment: Experiment) -> Edited:
        known = without(getattr(experiment.data, part), name)
        return with_data(
            experiment, msgspec.structs.replace(experiment.data, **{part: known}), f"feed {name}"
        )

    return Row(
        label=f"{word} {name}",
        path=("data", part, name),
        shown=chosen.get(name, found.name if found else ""),
        value=chosen.get(name),
        changed=name in chosen,
        help=f"Which array of the dataset {'feeds' if part == 'inputs' else 'is held against'} {name}."
        + (" Several columns go side by side: age + height." if part == "inputs" else ""),
        severity=setting.severity(f"data.{part}"),
        options=lambda: options,
        apply=put,
        reset=reset,
    )


def _named(value: str, part: str) -> str | tuple[str, ...]:
    """An array's name, or the names of those that are put side by side."""
    names = tuple(name.strip() for name in value.split(BESIDE))
    return names if part == "inputs" and len(names) > 1 else value


def _array_option(array: ArrayInfo) -> Option:
    return Option(array.name, array.name, detail=f"{shape_text(array.shape)} {array.dtype}")


def _target_option(target: TargetInfo) -> Option:
    return Option(target.name, target.name, detail=_kind_text(target))


def _kind_text(target: TargetInfo) -> str:
    return (
        f"{target.classes} {target.kind}" if target.classes else f"{shape_text(target.shape)} {target.kind}"
    )


def dataset_options(current: str) -> list[Option]:
    """The datasets of the catalog."""
    options = []
    for name in datasets.names():
        info = datasets.describe(Data(source=name))
        options.append(
            Option(
                name,
                name,
                group=info.origin,
                help=dataset_help(info),
                words=(info.origin,),
                current=name == current,
            )
        )
    return options


def dataset_help(info: DatasetInfo) -> str:
    """What a dataset holds, in lines."""
    lines = [info.summary]
    lines += [f"{array.name}: {shape_text(array.shape)} {array.dtype}" for array in info.inputs]
    lines += [f"{target.name}: {_kind_text(target)}" for target in info.targets]
    counts = [plural(info.train, "training sample")] if info.train else []
    counts += [plural(info.test, "test sample")] if info.test else []
    counts += [f"downloads {bytes_text(info.download_bytes)} at first use"] if info.download_bytes else []
    return "\n".join([*lines, ", ".join(counts)]).strip()
