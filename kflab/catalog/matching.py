"""Which array of a dataset feeds which Input of a model, and which one each output is held against."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, TargetInfo
from kflab.errors import did_you_mean
from kflab.experiment import Data
from kflab.graph.nodes import Graph, Layer
from kflab.values import Value

Shape = tuple[int | None, ...]

_MOST_LISTED = 12

BESIDE = " + "
"""What stands between the names of arrays that are put side by side."""


class Matching(msgspec.Struct, frozen=True):
    """What feeds a model.

    Attributes:
        inputs: the array that feeds each of the model's inputs, by the input's name.
        targets: what each output is held against, by the output's name; an `ArrayInfo` where it is an input
            of the dataset, as for an autoencoder.
        problems: what does not match, in sentences for a person.
        misfits: those of the problems that are about what feeds an Input, by the Input's name.
    """

    inputs: Mapping[str, ArrayInfo] = {}
    targets: Mapping[str, ArrayInfo | TargetInfo] = {}
    problems: tuple[str, ...] = ()
    misfits: Mapping[str, str] = {}


def match(graph: Graph, data: Data, info: DatasetInfo, outputs: Collection[str] | None = None) -> Matching:
    """Match a dataset to a model.

    What `data.inputs` and `data.targets` say comes first, then equal names, then a single one that is left
    to a single one that is left.

    Args:
        graph: the main model.
        data: the experiment's data section.
        info: the dataset, as `describe` tells it.
        outputs: the outputs that need a target; nothing given: all.
    """
    problems: list[str] = []
    arrays: dict[str, ArrayInfo | TargetInfo] = {array.name: array for array in info.inputs}
    named = {
        name: array if isinstance(array, str) else BESIDE.join(array) for name, array in data.inputs.items()
    }
    columns: dict[str, ArrayInfo | TargetInfo] = {array.name: array for array in info.columns}
    columns |= _joined(data, info, problems)
    fed, misfits = _assign(
        "Input", "input", "inputs", graph.input_names(), named, arrays, columns | arrays, problems
    )
    inputs = {name: array for name, array in fed.items() if isinstance(array, ArrayInfo)}
    for name, array in inputs.items():
        wanted = input_shape(graph, name)
        if wanted is not None and fitted(array.shape, wanted) is None:
            misfits[name] = (
                f"Input {name!r} expects samples of shape {shape_text(wanted)}, {info.name} has "
                f"{array.name!r} of shape {shape_text(array.shape)}"
            )
            problems.append(misfits[name])
    all_targets: dict[str, ArrayInfo | TargetInfo] = {target.name: target for target in info.targets}
    # Where names do not tell, an array of a file may be either; one that feeds the model is no target, then.
    feeding = {array.name for array in inputs.values()}
    own = {name: target for name, target in all_targets.items() if name not in feeding}
    needed = graph.output_names() if outputs is None else tuple(outputs)
    # An array that feeds nothing is what the output of its name is held against, whatever it is called.
    own = {
        name: arrays[name] for name in needed if name in arrays and name not in feeding
    } | own or all_targets
    # An array that feeds the model is the same one, scaled, when an output is held against it.
    nameable = arrays | all_targets | {array.name: array for array in inputs.values()}
    targets, _ = _assign("output", "target", "targets", needed, data.targets, own, nameable, problems)
    return Matching(inputs, targets, tuple(problems), misfits)


def stranger(setting: str, name: str, names: Iterable[str]) -> str:
    """What is wrong where `data.inputs` or `data.targets` has a key that the model does not have.

    Args:
        setting: `inputs` or `targets`.
        name: the key.
        names: the inputs or outputs of the model.
    """
    place = "Input" if setting == "inputs" else "output"
    return f"data.{setting} names {name!r}, which is no {place} of the model{did_you_mean(name, names)}"


def put_together(data: Data, info: DatasetInfo) -> tuple[ArrayInfo, ...]:
    """What the document puts side by side for one Input, as far as the dataset has it."""
    return tuple(_joined(data, info, []).values())


def _joined(data: Data, info: DatasetInfo, problems: list[str]) -> dict[str, ArrayInfo]:
    """What the document puts side by side for one Input, under the names of all."""
    joined: dict[str, ArrayInfo] = {}
    for names in data.inputs.values():
        if isinstance(names, str):
            continue
        arrays = [array for name in names if (array := info.input(name)) is not None]
        if len(arrays) < len(names) or not arrays:
            continue
        words = [array.name for array in arrays if array.dtype == "string"]
        if words and len(arrays) > 1:
            problems.append(
                f"data.inputs puts text ({words[0]!r}) beside others; expected columns of numbers"
            )
        joined[BESIDE.join(names)] = side_by_side(arrays)
    return joined


def side_by_side(arrays: Sequence[ArrayInfo]) -> ArrayInfo:
    """Arrays as one, their values side by side."""
    if len(arrays) == 1:
        return arrays[0]
    known = [math.prod(axis or 0 for axis in array.shape) for array in arrays if None not in array.shape]
    ends = [end for array in arrays for end in (array.low, array.high) if end is not None]
    is_bounded = len(ends) == 2 * len(arrays)
    return ArrayInfo(
        BESIDE.join(array.name for array in arrays),
        (sum(known) if len(known) == len(arrays) else None,),
        low=min(ends) if is_bounded else None,
        high=max(ends) if is_bounded else None,
        features=tuple(feature for array in arrays for feature in array.features or (array.name,)),
        columns=tuple(array.name for array in arrays),
    )


def _assign(
    place: str,
    part: str,
    setting: str,
    names: Iterable[str],
    given: Mapping[str, str],
    arrays: Mapping[str, ArrayInfo | TargetInfo],
    nameable: Mapping[str, ArrayInfo | TargetInfo],
    problems: list[str],
) -> tuple[dict[str, ArrayInfo | TargetInfo], dict[str, str]]:
    """Which array goes to which name, and the problems of the names that get none; all go to `problems`."""
    names = tuple(names)
    assigned: dict[str, ArrayInfo | TargetInfo] = {}
    for name, array in given.items():
        if name not in names:
            problems.append(stranger(setting, name, names))
        elif array not in nameable:
            problems.append(
                f"data.{setting} gives {name!r} the array {array!r}, which the dataset does not have"
                f"{did_you_mean(array, nameable)}; it has {_listed(nameable)}"
            )
        else:
            assigned[name] = nameable[array]
    left = [name for name in names if name not in given]
    own = nameable if place == "Input" else arrays
    assigned |= {name: own[name] for name in left if name in own}
    left = [name for name in left if name not in own]
    used = {array.name for array in assigned.values()}
    free = [array for name, array in arrays.items() if name not in used]
    if len(left) == len(free) == 1:
        return assigned | {left[0]: free[0]}, {}
    has = f"the {part}s {', '.join(arrays)}" if arrays else f"no {part}s"
    lacking = "nothing feeds Input" if place == "Input" else f"there is no target for {place}"
    without = {
        name: f"{lacking} {name!r}: the dataset has {has}; name one under data.{setting}, or rename the node"
        for name in left
    }
    problems += without.values()
    return assigned, without


def _listed(names: Iterable[str]) -> str:
    """Names for a person; a table may have thousands."""
    first, *rest = names
    shown = [first, *rest[: _MOST_LISTED - 1]]
    more = len(rest) + 1 - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def input_shape(graph: Graph, name: str) -> Shape | None:
    """The shape of an Input without its batch axis; nothing when the document does not say it."""
    node = graph.nodes.get(name)
    if node is None or not isinstance(node.target, Layer):
        return None
    arguments = node.target.arguments
    if "batch_shape" in arguments:
        whole = _shape(arguments["batch_shape"])
        return None if whole is None else whole[1:]
    return _shape(arguments.get("shape"))


def _shape(value: Value) -> Shape | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, str | Mapping) or value is None or isinstance(value, bool | float):
        return None
    axes = tuple(axis for axis in value if axis is None or (isinstance(axis, int) and axis > 0))
    return axes if len(axes) == len(value) else None


def fitted(shape: Shape, wanted: Shape) -> Shape | None:
    """The shape that an array's samples are brought to for an Input, or nothing where they do not fit.

    They fit when the shapes are equal, where `None` equals any size; when they are equal without axes of 1;
    or when the Input is flat and has as many elements.
    """
    if _equal(shape, wanted):
        return shape
    real = tuple(axis for axis in shape if axis != 1)
    if _equal(real, tuple(axis for axis in wanted if axis != 1)):
        sizes = iter(real)
        return tuple(1 if axis == 1 else next(sizes) for axis in wanted)
    known = [axis for axis in shape if axis is not None]
    if len(wanted) == 1 and len(known) == len(shape):
        count = math.prod(known)
        return (count,) if wanted[0] in (None, count) else None
    return None


def _equal(shape: Shape, wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(shape, wanted, strict=True)
    )


def shape_text(shape: Shape) -> str:
    """A shape as the document writes it: `[28, 28, null]`."""
    return f"[{', '.join('null' if axis is None else str(axis) for axis in shape)}]"
