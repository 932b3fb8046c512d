"""The rows about how data is prepared: the steps of each array, and under each step its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kflab.catalog import Argument, ArgumentKind
from kflab.catalog.check import named_object
from kflab.catalog.datasets import DatasetInfo
from kflab.catalog.preparation_steps import catalog_of
from kflab.document.encoding import spec as written
from kflab.experiment import Experiment, Spec
from kflab.graph.edited import Edited
from kflab.tui.rows.arguments import argument_rows, is_list
from kflab.tui.rows.holder import Holder
from kflab.tui.rows.row import Row
from kflab.tui.rows.setting import Setting, with_data
from kflab.values import Arguments, Value

_HELP = {
    "prepare": "What is done to {array} before the model sees it, in order: layers that resize, normalise, "
    "look up or vectorise. What has to be learned is learned of the training samples alone.",
    "augment": "What changes {array} at random, in training only: validation and test stay as they are.",
}


def preparation_rows(setting: Setting, info: DatasetInfo) -> Iterator[Row]:
    """What prepares and augments each array."""
    inputs = [array.name for array in info.inputs]
    targets = [target.name for target in info.targets]
    data = setting.experiment.data
    for array in dict.fromkeys((*inputs, *targets, *data.prepare)):
        yield from _step_rows(setting, "prepare", array)
    for array in dict.fromkeys((*inputs, *data.augment)):
        yield from _step_rows(setting, "augment", array)


def _step_rows(setting: Setting, part: str, array: str) -> Iterator[Row]:
    def steps(experiment: Experiment) -> Mapping[str, tuple[Spec, ...]]:
        by_array: Mapping[str, tuple[Spec, ...]] = getattr(experiment.data, part)
        return by_array

    def read(experiment: Experiment) -> Arguments:
        given = steps(experiment).get(array)
        return {label: [written(step) for step in given]} if given else {}

    def with_steps(experiment: Experiment, changed: Mapping[str, tuple[Spec, ...]]) -> Edited:
        data = msgspec.structs.replace(experiment.data, **{part: changed})
        return with_data(experiment, data, f"{part} {array}")

    def put(experiment: Experiment, _: str, value: Value) -> Edited:
        items = value if is_list(value) and not isinstance(value, str) else [value]
        assert isinstance(items, list | tuple)
        named = (named_object(item) for item in items)
        made = tuple(Spec(*one) for one in named if one is not None)
        return with_steps(experiment, {**steps(experiment), array: made})

    def drop(experiment: Experiment, _: str) -> Edited:
        return with_steps(experiment, without_steps(steps(experiment), array))

    label = f"{part} {array}"
    argument = Argument(label, ArgumentKind.LAYER, default=(), help=_HELP[part].format(array=array))
    holder = Holder("data", read, put, drop)
    severity = setting.severity(f"data.{part}.{array}")
    first, *under = argument_rows(
        catalog_of(part), argument, holder, setting.experiment, path=("data", part), severity=severity
    )
    yield first if under else msgspec.structs.replace(first, shown="none")
    yield from under


def without_steps(steps: Mapping[str, tuple[Spec, ...]], array: str) -> dict[str, tuple[Spec, ...]]:
    """The steps of all arrays but one."""
    return {name: given for name, given in steps.items() if name != array}
