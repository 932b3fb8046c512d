"""What a table holds for a model: which columns are features and which targets, and what they mean."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.offers import Settings
from kflab.catalog.sources import remembered
from kflab.catalog.sources.columns import FALSE, MOST_LABELS, TRUE, Column, ColumnKind, Table
from kflab.catalog.sources.kinds import SourceKind
from kflab.catalog.sources.settings import IDS, SETTINGS, names
from kflab.catalog.sources.sketch import Style, sketch_csv, sketch_json_lines, sketch_records, style_of
from kflab.errors import UnusableInputError, did_you_mean
from kflab.experiment import Data

FEATURES = "features"
"""The input that holds all columns of numbers, booleans, dates and categories side by side."""

WHOLE, SAMPLED, HEAD = "table", "sample", "head"
"""What is kept of a table: what all of its rows say, what a sample of them says, and its first rows."""

_TARGET = re.compile(r"target|label|class|y", re.IGNORECASE)
_CLASS_NAME = re.compile(r".*(?:target|label|class|category|digit|species|y)", re.IGNORECASE)
_FEW_CLASSES = 30
_NO_ANSWER = 60.0
_INT32 = 1 << 31


class Head(msgspec.Struct, frozen=True):
    """The first rows of a table.

    Attributes:
        rows: the rows; dates are text.
        total: how many rows there are.
        error: why it can not be read; "" where it can.
    """

    rows: tuple[Mapping[str, object], ...] = ()
    total: int = 0
    error: str = ""


class Roles(msgspec.Struct, frozen=True):
    """The columns of a table by the part they play."""

    features: tuple[Column, ...]
    targets: tuple[Column, ...]


def describe_table(path: Path, kind: SourceKind, settings: Settings, data: Data) -> DatasetInfo:
    """What a table holds, as far as it was looked at.

    Raises:
        UnusableInputError: it cannot be read, or an argument names a column that it does not have.
    """
    style, table = known(path, kind, settings, data)
    roles = roles_of(path, table, settings, data)
    features = _features(roles.features, style, table)
    lists = [column for column in roles.features if column.kind is ColumnKind.NUMBERS]
    inputs = [*([features] if features else []), *(_array(column, style, table) for column in lists)]
    texts = [column for column in roles.features if column.kind is ColumnKind.TEXT]
    if not inputs:
        inputs = [_array(column, style, table) for column in roles.features]
    if not inputs:
        raise UnusableInputError("has no column beside the targets", file=str(path), path="data.arguments")
    left_out = [column.name for column in texts] if features or lists else []
    targets = {column.name for column in roles.targets}
    unusable, place = _unusable(table, roles, settings, data)
    return DatasetInfo(
        name=data.source,
        origin=Origin.FILE,
        summary=_summary(table, left_out),
        inputs=tuple(inputs),
        targets=tuple(describe_target(column, style, table) for column in roles.targets),
        train=table.total,
        arguments=tuple(setting.argument for setting in SETTINGS[kind]),
        columns=tuple(
            _array(column, style, table)
            for column in table.columns
            if column.name not in targets and column not in lists and column.name != FEATURES
        ),
        unusable=unusable,
        unusable_path=place,
        is_estimate=not table.is_whole,
    )


def known(path: Path, kind: SourceKind, settings: Settings, data: Data) -> tuple[Style, Table]:
    """How a table is read, and what is known of it: of all rows, of a sample, or of the first ones."""
    style, table = sketched(path, kind, settings, data)
    folder = remembered.folder_of(path, style)
    for kept in (WHOLE, SAMPLED):
        found = remembered.recall(folder, kept, Table)
        if found is not None:
            return style, found
    return style, table


def sketched(path: Path, kind: SourceKind, settings: Settings, data: Data) -> tuple[Style, Table]:
    """How a table is read, and what its first rows say."""
    sketches: Mapping[SourceKind, Callable[[Path, Style], Table]] = {
        SourceKind.TABLE: sketch_csv,
        SourceKind.JSON_LINES: sketch_json_lines,
        SourceKind.PARQUET: _sketch_parquet,
    }
    style = style_of(settings)
    table = sketches[kind](path, style)
    targets = target_names(path, table, settings, data)
    worded = (ColumnKind.TEXT, ColumnKind.CATEGORY)
    words = [column for column in table.columns if column.name in targets and column.kind in worded]
    if words:
        style = style_of(settings, [column.name for column in words])
    if any(column.kind is ColumnKind.TEXT for column in words):
        table = sketches[kind](path, style)
    return style, table


def known_head(path: Path, read: Callable[[Path], Head]) -> Head:
    """The first rows of a Parquet file, read with `read` if they are not known yet."""
    folder = remembered.folder_of(path)
    head = remembered.recall(folder, HEAD, Head)
    if head is None:
        head = read(path)
        # What keeps a file from being read may pass.
        remembered.remember(folder, HEAD, head, only_here=bool(head.error))
    return head


def _sketch_parquet(path: Path, style: Style) -> Table:
    # Its layout is no matter of a few lines: whoever can read it is asked once.
    head = known_head(path, _ask_for_head)
    if head.error:
        raise UnusableInputError(head.error, file=str(path))
    table = sketch_records(path, head.rows, style, is_all=False)
    return msgspec.structs.replace(table, total=head.total)


def _ask_for_head(path: Path) -> Head:
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "kflab.data.readers.parquet", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_NO_ANSWER,
        )
        return msgspec.json.decode(answer.stdout, type=Head)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        return Head(error=f"its first rows cannot be read: {type(error).__name__}")


def target_names(path: Path, table: Table, settings: Settings, data: Data) -> tuple[str, ...]:
    """The columns that are predicted.

    Those that `data.arguments.target` names, else those that `data.targets` names, else the one that is
    called target, label, class or y, else the last one. An empty list stands for none: a table to predict.

    Raises:
        UnusableInputError: one is no column of the table.
    """
    header = [column.name for column in table.columns]
    given = settings.value("target")
    chosen = names(given) or ()
    _check(path, chosen, header, "target")
    if chosen or given == []:
        return chosen
    chosen = tuple(dict.fromkeys(name for name in data.targets.values() if name in header))
    if not chosen:
        chosen = tuple(name for name in header if _TARGET.fullmatch(name))[:1] or (header[-1],)
    return chosen


def _check(path: Path, chosen: Iterable[str], header: Sequence[str], argument: str) -> None:
    for name in chosen:
        if name not in header:
            hint = did_you_mean(name, header) or f"; it has {', '.join(header[:12])}"
            raise UnusableInputError(
                f"there is no column {name!r}{hint}", file=str(path), path=f"data.arguments.{argument}"
            )


def roles_of(path: Path, table: Table, settings: Settings, data: Data) -> Roles:
    """Which columns are targets, and which features, in order.

    Raises:
        UnusableInputError: an argument names a column that the table does not have.
    """
    targets = target_names(path, table, settings, data)
    header = [column.name for column in table.columns]
    dropped = names(settings.value("drop")) or ()
    chosen = names(settings.value("columns")) or ()
    _check(path, dropped, header, "drop")
    _check(path, chosen, header, "columns")
    features = [
        name
        for name in (chosen or header)
        if name not in targets and name not in dropped and (chosen or name != data.order_by)
    ]
    found = {column.name: column for column in table.columns}
    return Roles(
        tuple(found[name] for name in dict.fromkeys(features)), tuple(found[name] for name in targets)
    )


def width(column: Column) -> int:
    """The entries of a column in `features`; 0 where it is not among them."""
    if column.kind is ColumnKind.CATEGORY:
        return len(column.labels)
    return 0 if column.kind in (ColumnKind.TEXT, ColumnKind.NUMBERS) else 1


def is_feature(column: Column, style: Style) -> bool:
    """Whether a column has a place in `features`."""
    return column.kind not in (ColumnKind.TEXT, ColumnKind.NUMBERS) and style.types.get(column.name) != IDS


def beside(columns: Sequence[Column], style: Style) -> tuple[Column, ...]:
    """The columns that are put side by side in `features`."""
    return tuple(column for column in columns if is_feature(column, style))


def feature_names(columns: Iterable[Column]) -> Iterator[str]:
    """What each entry of columns side by side is."""
    for column in columns:
        if column.kind is ColumnKind.CATEGORY:
            yield from (f"{column.name}={label}" for label in column.labels)
        else:
            yield column.name


def _features(columns: Sequence[Column], style: Style, table: Table) -> ArrayInfo | None:
    used = beside(columns, style)
    if not used:
        return None
    return joined(FEATURES, used, table)


def joined(name: str, columns: Sequence[Column], table: Table) -> ArrayInfo:
    """Columns side by side; how many entries they have is not known before all categories are."""
    is_open = not table.is_whole and any(column.kind is ColumnKind.CATEGORY for column in columns)
    size = sum(width(column) for column in columns)
    low = [column.low if column.kind is not ColumnKind.CATEGORY else 0 for column in columns]
    high = [column.high if column.kind is not ColumnKind.CATEGORY else 1 for column in columns]
    lows, highs = [one for one in low if one is not None], [one for one in high if one is not None]
    is_known = table.is_whole and len(lows) == len(low)
    return ArrayInfo(
        name,
        (None if is_open else size,),
        low=min(lows) if is_known else None,
        high=max(highs) if is_known else None,
        features=tuple(feature_names(columns)),
    )


def _array(column: Column, style: Style, table: Table) -> ArrayInfo:
    """A column on its own."""
    if column.kind is ColumnKind.TEXT:
        return ArrayInfo(column.name, (), dtype="string")
    if column.kind is ColumnKind.NUMBERS:
        dtype = dtype_of_lists(column)
        bounds = (column.low, column.high) if table.is_whole else (None, None)
        return ArrayInfo(column.name, column.shape, dtype=dtype, low=bounds[0], high=bounds[1])
    if style.types.get(column.name) == IDS:
        ids = len(column.labels) if table.is_whole else 0
        return ArrayInfo(column.name, (1,), dtype="int32", ids=ids)
    return joined(column.name, (column,), table)


def dtype_of_lists(column: Column) -> str:
    """The dtype of lists of numbers."""
    largest = max(abs(column.low or 0), abs(column.high or 0))
    return "int32" if column.whole and largest < _INT32 else "float32"


def describe_target(column: Column, style: Style, table: Table) -> TargetInfo:
    """What a column means as a target."""
    name, kind = column.name, column.kind
    if kind is ColumnKind.TEXT:
        raise UnusableInputError(
            f"{name!r} holds text of its own in each row; expected classes or numbers to predict",
            path="data.arguments.target",
        )
    if kind is ColumnKind.CATEGORY:
        if len(column.labels) > MOST_LABELS:
            raise UnusableInputError(
                f"{name!r} has more than {MOST_LABELS:,} different words; expected classes or numbers",
                path="data.arguments.target",
            )
        is_pair = len(column.labels) == 2
        labels = column.labels if table.is_whole or is_pair else ()
        kind_of_target = TargetKind.BINARY if is_pair else TargetKind.CLASSES
        return TargetInfo(name, kind_of_target, (), "int32", len(labels), labels)
    if kind is ColumnKind.BOOLEAN:
        return TargetInfo(name, TargetKind.BINARY, (), "int32", 2, (FALSE, TRUE))
    if kind is ColumnKind.NUMBERS:
        return _target_of_lists(column)
    if kind is ColumnKind.NUMBER and style.types.get(name) is None:
        if column.distinct == (0, 1):
            return TargetInfo(name, TargetKind.BINARY, (), "int32", 2)
        if _are_classes(column):
            classes = column.distinct[-1] + 1 if table.is_whole else 0
            return TargetInfo(name, TargetKind.CLASSES, (), "int32", classes)
    return TargetInfo(name, TargetKind.VALUES)


def _target_of_lists(column: Column) -> TargetInfo:
    # A list of one is a number a sample.
    shape = column.shape if column.shape != (1,) else ()
    if len(shape) == 1 and column.whole and column.low == 0 and column.high == 1:
        kind = TargetKind.ONE_HOT if column.one_hot else TargetKind.MULTI
        return TargetInfo(column.name, kind, shape, "float32", shape[0] or 0)
    return TargetInfo(column.name, TargetKind.VALUES, shape)


def _are_classes(column: Column) -> bool:
    """Whether whole numbers are labels: few, or called so, and few between them are left out."""
    distinct = column.distinct
    most = MOST_LABELS if _CLASS_NAME.fullmatch(column.name) else _FEW_CLASSES
    return bool(distinct) and distinct[0] >= 0 and len(distinct) <= most and distinct[-1] < 2 * len(distinct)


def _unusable(table: Table, roles: Roles, settings: Settings, data: Data) -> tuple[str, str]:
    """Why a table cannot be trained on as it is, and the place in the document that this is about."""
    how = settings.text("missing")
    named = {
        name for names in data.inputs.values() for name in ([names] if isinstance(names, str) else names)
    }
    alone = bool(named) and FEATURES not in named
    for column in table.columns:
        is_target = column in roles.targets
        is_used = column.name in named if alone else column in roles.features or column.name in named
        if column.missing and (is_target or is_used) and column.kind is not ColumnKind.TEXT:
            problem = missing_problem(column, how, is_target=is_target)
            if problem:
                return problem, "data.arguments.missing"
    return "", ""


def missing_problem(column: Column, how: str, *, is_target: bool) -> str:
    """Why the missing values of a column are in the way; "" where the document says what to do."""
    if how == "drop" or (how != "error" and not is_target and column.kind is not ColumnKind.NUMBERS):
        return ""
    more = f", nor have {column.missing - 1:,} more rows" if column.missing > 1 else ""
    advice = (
        "drop leaves such rows out"
        if is_target or column.kind is ColumnKind.NUMBERS
        else "drop leaves such rows out; mean, median, zero or most_frequent fills them in"
    )
    return (
        f"{column.name!r} has no value in row {(column.first_missing or 0) + 1:,}{more}; "
        f"data.arguments.missing says what is done: {advice}"
    )


def _summary(table: Table, left_out: Sequence[str]) -> str:
    about = f"about {float(f'{table.about:.2g}'):,.0f} rows" if table.about else "rows not counted yet"
    rows = f"{table.total:,} rows" if table.total else about
    text = f"your own: {rows}, {len(table.columns):,} columns"
    if left_out:
        listed = ", ".join(left_out[:3]) + (f" and {len(left_out) - 3} more" if len(left_out) > 3 else "")
        text += f"; text, not in {FEATURES}: {listed}"
    return text
