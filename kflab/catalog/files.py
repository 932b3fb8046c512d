"""Arrays in files of the user's own: which are inputs, which targets, and what they mean."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.npz import Header, Values, read_headers, read_values
from kflab.catalog.sources.kinds import SourceKind, recognise
from kflab.catalog.sources.npy import npy_headers
from kflab.diagnose import codes
from kflab.errors import UnusableInputError

TRAIN, VALIDATION, TEST = "train", "val", "test"
_SPLITS = (TRAIN, VALIDATION, TEST)
_SPLIT = re.compile(r"(?P<base>.+)_(?P<split>train|val|test)|(?P<first>train|val|test)_(?P<rest>.+)")

_INPUT_NAME = re.compile(r"x|x_.+|inputs?|features?|images?|data", re.IGNORECASE)
_TARGET_NAME = re.compile(r"y|y_.+|targets?|labels?", re.IGNORECASE)

_EXPECTED = (
    "expected x_train, y_train, x_test, y_test, or x, y, or arrays named as the model's inputs and outputs"
)

_MOST_CLASSES = 10_000
_MOST_CLASSES_OF_A_MAP = 50


class StoredArray(msgspec.Struct, frozen=True):
    """An array of a dataset and its parts in the file, by split (`train`, `val`, `test`)."""

    name: str
    parts: Mapping[str, Header]


class Contents(msgspec.Struct, frozen=True):
    """The arrays of a file by the part they play. One whose name does not tell stands in both."""

    inputs: tuple[StoredArray, ...]
    targets: tuple[StoredArray, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the file brings."""
        return tuple(split for split in _SPLITS if split in self.inputs[0].parts)

    def length(self, split: str) -> int:
        """How many samples a split has."""
        return self.inputs[0].parts[split].shape[0]


def contents(path: Path, targets: str = "") -> Contents:
    """What plays which part in an `.npz` file, or in a set of `.npy` files.

    Args:
        path: the file, or the folder of `.npy` files.
        targets: the file with the targets beside a single `.npy` file; "" where its name tells.

    Raises:
        UnusableInputError: the file is damaged, an array is missing, or arrays have different lengths.
    """
    kind = recognise(path)
    if kind not in (SourceKind.NPZ, SourceKind.NPY):
        raise UnusableInputError(f"a {kind}; expected .npz or .npy files", file=str(path))
    headers = read_headers(path) if kind is SourceKind.NPZ else npy_headers(path, targets)
    stored = _by_base(headers)
    fed = {base: parts for base, parts in stored.items() if _INPUT_NAME.fullmatch(base)}
    held = {base: parts for base, parts in stored.items() if _TARGET_NAME.fullmatch(base)}
    if not fed or not held:
        free = {base: parts for base, parts in stored.items() if base not in fed and base not in held}
        fed, held = {**fed, **free}, {**held, **free}
    if not fed:
        raise UnusableInputError(f"has the arrays {', '.join(headers)}; {_EXPECTED}", file=str(path))
    _check(path, {**fed, **held})
    return Contents(tuple(_named(fed, held)), tuple(_named(held, fed)))


def _by_base(headers: Mapping[str, Header]) -> dict[str, dict[str, Header]]:
    split: dict[str, dict[str, Header]] = {}
    whole: dict[str, dict[str, Header]] = {}
    for key, header in headers.items():
        match = _SPLIT.fullmatch(key)
        if match:
            base, part = match["base"] or match["rest"], match["split"] or match["first"]
            split.setdefault(base, {})[part] = header
        else:
            whole[key] = {TRAIN: header}
    return split or whole


def _check(path: Path, stored: Mapping[str, Mapping[str, Header]]) -> None:
    splits = [split for split in _SPLITS if any(split in parts for parts in stored.values())]
    if TRAIN not in splits:
        splits.insert(0, TRAIN)
    for split in splits:
        longest: Header | None = None
        for base, parts in stored.items():
            header = parts.get(split)
            if header is None:
                other = next(iter(parts.values())).key
                raise UnusableInputError(f"has {other} but no {base}_{split}; {_EXPECTED}", file=str(path))
            if not header.shape or header.shape[0] == 0:
                raise UnusableInputError(
                    f"array {header.key!r} is empty (shape {list(header.shape)}); expected samples along its "
                    "first axis",
                    file=str(path),
                )
            longest = longest or header
            if header.shape[0] != longest.shape[0]:
                raise UnusableInputError(
                    f"{longest.key} has {longest.shape[0]:,} samples, {header.key} has {header.shape[0]:,}; "
                    "expected as many in each",
                    file=str(path),
                    path="data.source",
                    code=codes.DIFFERENT_LENGTHS,
                )
    for base, parts in stored.items():
        shapes = {header.shape[1:] for header in parts.values()}
        if len(shapes) > 1:
            listed = ", ".join(f"{header.key} {list(header.shape)}" for header in parts.values())
            raise UnusableInputError(
                f"the splits of {base!r} differ in shape: {listed}; only the first axis may differ",
                file=str(path),
            )


def _named(
    own: Mapping[str, Mapping[str, Header]], others: Mapping[str, Mapping[str, Header]]
) -> Iterator[StoredArray]:
    short = {base: re.sub(r"^[xy]_", "", base, flags=re.IGNORECASE) for base in (*own, *others)}
    for base, parts in own.items():
        taken = list(short.values()).count(short[base]) > 1
        yield StoredArray(base if taken else short[base], parts)


def describe_file(path: Path, source: str, targets: str = "") -> DatasetInfo:
    """What an `.npz` file or a set of `.npy` files holds; `source` is what the experiment calls it.

    Raises:
        UnusableInputError: it cannot be used, with the reason.
    """
    held = contents(path, targets)
    splits = held.splits
    counts = {split: held.length(split) for split in splits}
    listed = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    return DatasetInfo(
        name=source,
        origin=Origin.FILE,
        summary=f"your own: {listed} samples",
        inputs=tuple(_input(stored) for stored in held.inputs),
        targets=tuple(describe_target(path, stored) for stored in held.targets),
        train=counts[TRAIN],
        test=counts.get(TEST, 0),
    )


def _input(stored: StoredArray) -> ArrayInfo:
    header = stored.parts[TRAIN]
    low, high = {"bool": (0, 1), "uint8": (0, 255)}.get(header.dtype, (None, None))
    dtype = header.dtype if header.is_whole and header.dtype != "bool" else "float32"
    return ArrayInfo(stored.name, header.shape[1:], dtype=dtype, low=low, high=high)


def describe_target(path: Path, stored: StoredArray) -> TargetInfo:
    """What a stored array means as a target, told from its dtype, its shape and its values in every split."""
    headers = tuple(stored.parts.values())
    statuses = [Path(header.file or path).stat() for header in headers]
    changed = tuple((status.st_mtime_ns, status.st_size) for status in statuses)
    return _describe_target(path, stored.name, headers, changed)


@functools.lru_cache(maxsize=256)
def _describe_target(
    path: Path, name: str, headers: tuple[Header, ...], _changed: tuple[tuple[int, int], ...]
) -> TargetInfo:
    # A column of one is a number a sample.
    shape = headers[0].shape[1:] if headers[0].shape[1:] != (1,) else ()
    parts = [(header, values) for header in headers if (values := read_values(path, header)) is not None]
    kind, classes = TargetKind.VALUES, 0
    if len(parts) == len(headers):
        kind, classes = _meaning(shape, parts)
    elif headers[0].is_whole and not shape:
        kind = TargetKind.CLASSES
    counted = kind in (TargetKind.CLASSES, TargetKind.BINARY)
    return TargetInfo(name, kind, shape, "int32" if counted else "float32", classes)


def _meaning(shape: tuple[int, ...], parts: Sequence[tuple[Header, Values]]) -> tuple[TargetKind, int]:
    distinct: set[int | float] = set().union(*(values for _, values in parts))
    if shape and distinct <= {0, 1} and (len(shape) == 1 or shape[-1] > 1):
        # A map without an axis for its classes is rows of zeros and ones, too, but hardly of a single 1 each.
        alone = all(_one_hot(header, values, shape[-1]) for header, values in parts)
        if alone or len(shape) == 1:
            return (TargetKind.ONE_HOT if alone else TargetKind.MULTI), shape[-1]
    if distinct == {0, 1}:
        return TargetKind.BINARY, 2
    whole = all(header.is_whole for header, _ in parts)
    most = _MOST_CLASSES_OF_A_MAP if shape else _MOST_CLASSES
    classes = int(max(distinct)) + 1 if whole else 0
    # Labels leave few numbers out; whole numbers that do are amounts, such as a price.
    if whole and min(distinct) >= 0 and classes <= min(most, 2 * len(distinct)):
        return TargetKind.CLASSES, classes
    return TargetKind.VALUES, 0


def _one_hot(header: Header, values: Values, width: int) -> bool:
    rows = len(values) // width
    columns = [
        values[column * rows : (column + 1) * rows] if header.fortran else values[column::width]
        for column in range(width)
    ]
    return all(sum(row) == 1 for row in zip(*columns, strict=True))
