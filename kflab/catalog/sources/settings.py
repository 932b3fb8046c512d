"""The arguments that each kind of source takes under `data.arguments`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.catalog.entries import Argument, ArgumentKind
from kflab.catalog.offers import Setting, Settings, choice, complain, flag
from kflab.catalog.sources.columns import ColumnKind
from kflab.catalog.sources.kinds import SourceKind
from kflab.errors import UnusableInputError, did_you_mean
from kflab.values import Arguments, Value

MISSING = ("error", "drop", "mean", "median", "zero", "most_frequent")
"""What can be done about missing values."""

IDS = "ids"
"""The type of a column whose categories come as whole numbers, as an Embedding takes them."""

TYPES = (*(kind.value for kind in ColumnKind if kind is not ColumnKind.NUMBERS), IDS)
"""The types that a column can be said to have."""

_LARGEST_IMAGE = 10_000


def _any(name: str, text: str) -> Setting:
    return Setting(Argument(name=name, kind=ArgumentKind.ANY, nullable=True, help=text))


def _text(name: str, text: str, default: str = "") -> Setting:
    return Setting(Argument(name=name, kind=ArgumentKind.TEXT, default=default, help=text))


_COLUMNS = (
    _any(
        "target",
        "The column to predict, or a list of them. none: the column called target, label, class or y, else "
        "the last one.",
    ),
    _any("columns", "The columns that features is made of, in this order. none: all but the targets."),
    _any("drop", "Columns that features is made without."),
    choice(
        "missing",
        MISSING,
        "What is done about missing values: error refuses them, drop leaves such rows out, the others fill "
        "them in with what the training samples have.",
    ),
    Setting(
        Argument(
            name="types",
            kind=ArgumentKind.MAPPING,
            default={},
            help="What columns hold, where their first rows mislead: a mapping from a column to "
            f"{', '.join(TYPES)}.",
        )
    ),
)

_WRITTEN = (
    _text("separator", "What stands between two values. Nothing: told from the header."),
    _text("decimal", "The decimal point. Nothing: told from the first rows."),
    _text("encoding", "The encoding of the text.", "utf-8"),
    _any("missing_values", "Words that stand for a missing value, beside NA, NaN, null and ?."),
)

_FOLDER_TEXTS = (_text("encoding", "The encoding of the texts.", "utf-8"),)

_IMAGES = (
    Setting(
        Argument(
            name="image_size",
            kind=ArgumentKind.INTS,
            default=[256, 256],
            help="Height and width that images are resized to.",
        )
    ),
    choice("color_mode", ("rgb", "grayscale", "rgba"), "The channels of an image: 3, 1 or 4."),
    flag(
        "crop_to_aspect_ratio",
        False,
        "Crop an image to the aspect ratio of image_size before it is resized, instead of distorting it.",
    ),
    choice(
        "interpolation",
        ("bilinear", "nearest", "bicubic", "area", "lanczos3"),
        "How an image is resized.",
    ),
)

_NPY = (_text("targets", "The file with the targets, beside the one with the inputs."),)

SETTINGS: Mapping[SourceKind, tuple[Setting, ...]] = {
    SourceKind.NPZ: (),
    SourceKind.NPY: _NPY,
    SourceKind.TABLE: (*_COLUMNS, *_WRITTEN),
    SourceKind.PARQUET: _COLUMNS,
    SourceKind.JSON_LINES: _COLUMNS,
    SourceKind.IMAGES: _IMAGES,
    SourceKind.TEXTS: _FOLDER_TEXTS,
}
"""What can be chosen about each kind of source."""

_NAMES = ("target", "columns", "drop", "missing_values")


def fill(kind: SourceKind, arguments: Arguments) -> Settings:
    """The given arguments of a source, checked, and the defaults of the others.

    Raises:
        UnusableInputError: an argument is unknown, or its value is not one that it takes.
    """
    known = {setting.argument.name: setting for setting in SETTINGS[kind]}
    for name, value in arguments.items():
        path = f"data.arguments.{name}"
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise UnusableInputError(
                f"a {kind} has no argument {name!r}; {takes}{did_you_mean(name, known)}", path=path
            )
        complaint = _complaint(known[name], value)
        if complaint:
            raise UnusableInputError(complaint, path=path)
    if arguments.get("separator") and arguments.get("separator") == arguments.get("decimal"):
        raise UnusableInputError("the same as the decimal point", path="data.arguments.separator")
    return Settings({name: arguments.get(name, known[name].argument.default) for name in known})


def _complaint(setting: Setting, value: Value) -> str:
    argument = setting.argument
    if argument.name in _NAMES:
        wrong = value is not None and names(value) is None
        return f"expected a name or a list of names, got {value!r}" if wrong else ""
    if argument.name == "types":
        return _of_types(value)
    if argument.name == "image_size":
        return "" if image_size(value) else f"expected a height and a width such as [64, 64], got {value!r}"
    if argument.kind is ArgumentKind.TEXT:
        if not isinstance(value, str):
            return f"expected text, got {value!r}"
        if argument.name == "separator" and (len(value) > 1 or value.isalnum() or value in '"\r\n.'):
            return f"expected a single character such as ; or a tab, got {value!r}"
        if argument.name == "decimal" and value not in ("", ".", ","):
            return f"expected . or , for the decimal point, got {value!r}"
        return _of_encoding(value) if argument.name == "encoding" else ""
    return complain(setting, value)


def _of_types(value: Value) -> str:
    if not isinstance(value, Mapping):
        return f"expected a mapping such as {{city: category}}, got {value!r}"
    for column, kind in value.items():
        if kind not in TYPES:
            return f"expected one of {', '.join(TYPES)} for {column!r}, got {kind!r}"
    return ""


def _of_encoding(value: str) -> str:
    try:
        "a".encode(value)
    except (LookupError, ValueError):
        return f"there is no encoding {value!r}; expected one such as utf-8, latin-1 or utf-16"
    return ""


def names(value: Value) -> tuple[str, ...] | None:
    """One name or a list of names; nothing where it is neither."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        return tuple(str(item) for item in value)
    return None


def image_size(value: Value) -> tuple[int, int] | None:
    """Height and width, of one number or of two."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value, value]
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return None
    sizes = [axis for axis in value if isinstance(axis, int) and not isinstance(axis, bool)]
    if len(sizes) != 2 or not all(1 <= axis <= _LARGEST_IMAGE for axis in sizes):
        return None
    return sizes[0], sizes[1]
