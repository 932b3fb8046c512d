"""What the preparation of a document makes of a dataset's arrays, told without Keras and before loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, TargetInfo, TargetKind
from kflab.catalog.preparation_steps import CAST, ONE_HOT, PAD, find_step
from kflab.experiment import Data, Spec
from kflab.values import Value

TEXT = "string"
"""The dtype of an array of text."""

Shape = tuple[int | None, ...]

_COUNTED = frozenset({"one_hot", "multi_hot", "count", "tf_idf"})
_FLAT = frozenset({"multi_hot", "count", "tf_idf"})
_SPECTROGRAMS = frozenset({"MelSpectrogram", "STFTSpectrogram"})
_KEEP_DTYPE = frozenset({"Resizing", "ContrastLimitedAdaptiveHistogramEqualization"})
_LOOKUPS = frozenset({"StringLookup", "IntegerLookup"})


class Described(msgspec.Struct, frozen=True):
    """What is known of an array between two steps.

    Attributes:
        shape: the shape of a sample.
        dtype: the dtype of its values; `TEXT` for text.
        low: the least value, where that is known.
        high: the greatest value, where that is known.
        ids: how many ids there are, where that is known.
        are_ids: the values are ids of words or categories, not amounts.
        labels: the names of the classes that ids stand for.
    """

    shape: Shape
    dtype: str
    low: float | None = None
    high: float | None = None
    ids: int = 0
    are_ids: bool = False
    labels: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether the values are text."""
        return self.dtype == TEXT


def described(array: ArrayInfo | TargetInfo) -> Described:
    """What is known of an array of a dataset as it comes from its source."""
    if isinstance(array, ArrayInfo):
        return Described(
            array.shape, array.dtype, array.low, array.high, array.ids, array.ids > 0 or array.dtype == TEXT
        )
    counted = array.kind in (TargetKind.CLASSES, TargetKind.BINARY)
    # Text that names classes becomes their numbers before any step sees it.
    dtype = "int32" if counted and array.dtype == TEXT and array.labels else array.dtype
    high = array.classes - 1.0 if counted and array.classes else None
    return Described(
        array.shape,
        dtype,
        0.0 if counted else None,
        high,
        array.classes if counted else 0,
        counted,
        array.labels,
    )


def prepared(info: DatasetInfo, data: Data) -> DatasetInfo:
    """A dataset's description with the steps of `data.prepare` and `data.augment` applied; not the scale."""
    if not data.prepare and not data.augment:
        return info
    return msgspec.structs.replace(
        info,
        inputs=tuple(_input(array, steps_of(array.name, data)) for array in info.inputs),
        columns=tuple(_input(array, steps_of(array.name, data)) for array in info.columns),
        targets=tuple(_target(array, data.prepare.get(array.name, ())) for array in info.targets),
    )


def steps_of(array: str, data: Data) -> tuple[Spec, ...]:
    """All steps of an array; those that augment may change its shape, as `RandomCrop` does."""
    return (*data.prepare.get(array, ()), *data.augment.get(array, ()))


def _input(array: ArrayInfo, steps: Sequence[Spec]) -> ArrayInfo:
    if not steps:
        return array
    after = after_steps(described(array), steps)
    return msgspec.structs.replace(
        array,
        shape=after.shape,
        dtype=after.dtype,
        ids=after.ids,
        low=after.low,
        high=after.high,
        features=array.features if after.shape == array.shape else (),
    )


def _target(target: TargetInfo, steps: Sequence[Spec]) -> TargetInfo:
    if not steps:
        return target
    before = described(target)
    after = after_steps(before, steps)
    return TargetInfo(
        target.name,
        _kind(target, before, after),
        after.shape,
        after.dtype,
        _classes(target, before, after),
        after.labels,
    )


def _kind(target: TargetInfo, before: Described, after: Described) -> TargetKind:
    if after.are_ids:
        return target.kind if before.are_ids and target.kind is TargetKind.BINARY else TargetKind.CLASSES
    if before.are_ids and len(after.shape) == len(before.shape) + 1 and (after.low, after.high) == (0, 1):
        return TargetKind.ONE_HOT
    if (after.low, after.high) == (0, 1) and after.shape and after.dtype == "float32" and before.is_text:
        return TargetKind.MULTI
    same = (before.low, before.high) == (after.low, after.high) and before.shape == after.shape
    return target.kind if same and not before.are_ids else TargetKind.VALUES


def _classes(target: TargetInfo, before: Described, after: Described) -> int:
    if after.are_ids:
        return after.ids
    kind = _kind(target, before, after)
    if kind in (TargetKind.ONE_HOT, TargetKind.MULTI):
        return (after.shape[-1] if after.shape else 0) or 0
    return 0


def after_steps(array: Described, steps: Iterable[Spec]) -> Described:
    """What steps make of an array, one after the other."""
    for step in steps:
        array = after_step(array, step)
    return array


def after_step(array: Described, step: Spec) -> Described:  # noqa: C901, PLR0912 - one case a step
    """What a step makes of an array; what can not be told is left open."""
    entry = find_step(step.name)
    name = entry.name if entry else step.name
    given = step.arguments
    if name == PAD:
        dtype = "float32" if array.dtype.startswith("float") else "int32"
        return _replace(array, shape=(_whole(given.get("maxlen")), *array.shape[1:]), dtype=dtype)
    if name == ONE_HOT:
        classes = _whole(given.get("num_classes")) or array.ids or None
        return Described((*array.shape, classes), "float32", 0, 1, labels=array.labels)
    if name == CAST:
        return _replace(array, dtype=str(given.get("dtype", array.dtype)))
    if name == "Rescaling":
        return _rescaled(array, given.get("scale"), given.get("offset", 0))
    if name == "Normalization":
        return Described(array.shape, "float32")
    if name in ("Resizing", "CenterCrop", "RandomCrop"):
        return _replace(array, shape=_resized(array.shape, given), dtype=_kept(name, array))
    if name == "Discretization":
        edges = given.get("bin_boundaries")
        count = len(edges) + 1 if isinstance(edges, Sequence) else _whole(given.get("num_bins")) or 0
        return _encoded(array, given, count)
    if name == "CategoryEncoding":
        return _encoded(array, {"output_mode": "multi_hot", **given}, _whole(given.get("num_tokens")) or 0)
    if name == "Hashing":
        return _encoded(array, given, _whole(given.get("num_bins")) or 0)
    if name in _LOOKUPS:
        return _looked_up(array, name, given)
    if name == "TextVectorization":
        return _vectorized(given)
    if name in _SPECTROGRAMS:
        return Described((None, None), "float32")
    if name == "Pipeline":
        layers = given.get("layers")
        listed = layers if isinstance(layers, Sequence) and not isinstance(layers, str) else ()
        return after_steps(array, (_spec(item) for item in listed))
    return _replace(array, dtype=_kept(name, array))


def _kept(name: str, array: Described) -> str:
    """The dtype after a layer for images: most give float32, a few what they got."""
    return array.dtype if name in _KEEP_DTYPE else "float32"


def _replace(array: Described, **changes: object) -> Described:
    return msgspec.structs.replace(array, **changes)


def _spec(value: Value) -> Spec:
    if isinstance(value, Mapping) and len(value) == 1:
        name, arguments = next(iter(value.items()))
        return Spec(name, arguments if isinstance(arguments, Mapping) else {})
    return Spec(str(value))


def _whole(value: Value) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _rescaled(array: Described, scale: Value, offset: Value) -> Described:
    plain = isinstance(scale, int | float) and isinstance(offset, int | float)
    if not plain or array.low is None or array.high is None:
        return Described(array.shape, "float32")
    assert isinstance(scale, int | float)
    assert isinstance(offset, int | float)
    low, high = sorted((array.low * scale + offset, array.high * scale + offset))
    return Described(array.shape, "float32", low, high)


def _resized(shape: Shape, given: Mapping[str, Value]) -> Shape:
    height, width = _whole(given.get("height")), _whole(given.get("width"))
    if given.get("data_format") == "channels_first":
        return (*shape[:-2], height, width)
    return (*shape[:-3], height, width, *shape[-1:]) if len(shape) >= 3 else shape


def _encoded(array: Described, given: Mapping[str, Value], count: int) -> Described:
    """What becomes of ids, or of what is encoded as ids, by `output_mode`."""
    mode = given.get("output_mode", "int")
    if mode not in _COUNTED:
        return Described(array.shape, "int32", 0, count - 1 if count else None, count, are_ids=True)
    shape = array.shape[:-1] if mode in _FLAT or array.shape[-1:] == (1,) else array.shape
    high = 1.0 if mode in ("one_hot", "multi_hot") else None
    return Described((*shape, count or None), "float32", 0, high, labels=array.labels)


def _looked_up(array: Described, name: str, given: Mapping[str, Value]) -> Described:
    vocabulary = given.get("vocabulary")
    special = (_whole(given.get("num_oov_indices", 1)) or 0) + (given.get("mask_token") is not None)
    count = _whole(given.get("max_tokens")) or 0
    if isinstance(vocabulary, Sequence) and not isinstance(vocabulary, str):
        count = len(vocabulary) + special
    if given.get("invert"):
        return Described(array.shape, TEXT if name == "StringLookup" else "int32", are_ids=True)
    known = count and (vocabulary is not None or given.get("pad_to_max_tokens"))
    after = _encoded(array, given, count)
    if given.get("output_mode", "int") in _COUNTED and not known:
        # Adaptation may find fewer.
        after = _replace(after, shape=(*after.shape[:-1], None))
    return after


def _vectorized(given: Mapping[str, Value]) -> Described:
    vocabulary = given.get("vocabulary")
    most = _whole(given.get("max_tokens"))
    mode = given.get("output_mode", "int")
    if isinstance(vocabulary, Sequence) and not isinstance(vocabulary, str):
        most = len(vocabulary) + (2 if mode == "int" else 1)
    if mode == "int":
        length = _whole(given.get("output_sequence_length"))
        return Described((length,), "int32", 0, most - 1 if most else None, most or 0, are_ids=True)
    exact = most if vocabulary is not None or given.get("pad_to_max_tokens") else None
    return Described((exact,), "float32", 0, 1 if mode == "multi_hot" else None)
