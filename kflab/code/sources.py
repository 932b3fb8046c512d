"""How each dataset is loaded: the statements that leave its arrays in variables."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from kflab.catalog import bundled
from kflab.catalog.dataset_types import DatasetInfo, Origin
from kflab.catalog.datasets import file_of, find
from kflab.catalog.files import TEST, TRAIN, VALIDATION, Contents, contents
from kflab.catalog.offers import Settings
from kflab.catalog.sources.describe import opened
from kflab.catalog.sources.kinds import TABLES, SourceKind
from kflab.code.folders import folder_code
from kflab.code.layout import Brackets, Expression, call, called, flat, lines, literal, quoted
from kflab.code.splitting import SPLIT
from kflab.code.statements import Statements
from kflab.code.tables import table_code
from kflab.experiment import Data

_SEQUENCES = "from keras.utils import pad_sequences"

_TABLES = {"iris", "wine", "breast_cancer", "diabetes"}


class Source(Statements):
    """The statements that load a dataset, and what they leave.

    Attributes:
        parts: the splits that it brings, by the end of their variables: `("_train", "_test")`; `("",)` where
            it brings one whole.
        gaps: what stands in for missing values of arrays, by the array: code with a place for the training
            samples.
        doubles: arrays in double precision that kflab has in single precision.
        ordered: the samples follow each other in time.
        gap: the samples to leave out between two splits in time.
    """

    parts: tuple[str, ...] = ("",)
    gaps: dict[str, str] = msgspec.field(default_factory=dict)
    doubles: set[str] = msgspec.field(default_factory=set)
    ordered: bool = False
    gap: int = 0


Variable = Callable[[str], str]
"""The variable of an array of the dataset, or `_` for one that is not used."""


def load(data: Data, info: DatasetInfo, variable: Variable, base: Path | None, folder: Path | None) -> Source:
    """The statements that load a dataset.

    Args:
        data: the data section of the experiment.
        info: what the dataset holds, not scaled.
        variable: the variables of its arrays.
        base: the folder that a relative path in the experiment starts from.
        folder: the folder that the script will be run in.

    Raises:
        KflabError: there is no such dataset or file.
    """
    offer = find(data.source)
    if offer is None:
        return _own(data, info, variable, base, folder)
    settings = offer.fill(data.arguments)
    if info.origin is Origin.DOWNLOAD:
        return _download(offer.name, info, settings, variable)
    if offer.name in _TABLES:
        return _table(offer.name, info, variable)
    return _MADE[offer.name](settings, variable)


def shown_path(given: str, base: Path | None, folder: Path | None) -> str:
    """A path of the experiment as a script finds it that is run in `folder`."""
    path = Path(given).expanduser()
    if path.is_absolute() or base is None:
        return str(path)
    return os.path.relpath(base / path, folder or Path.cwd())


def _table(name: str, info: DatasetInfo, variable: Variable) -> Source:
    source = Source(imports={f"from sklearn.datasets import load_{name}"})
    targets = f"{variable(info.inputs[0].name)}, {variable(info.targets[0].name)}"
    scaled = {"scaled": "False"} if name == "diabetes" else {}
    source.assign(targets, call(f"load_{name}", return_X_y="True", **scaled))
    return source


def _digit_images(source: Source, images: str, digits: str, *, is_used: bool) -> None:
    """The statements that leave digits and their images split into those for training and for the test."""
    source.imports |= {"from sklearn.datasets import load_digits", SPLIT}
    source.assign(f"{images}, {digits}", call("load_digits", return_X_y="True"))
    source.lines.append(f"{images} = ({images} / {bundled.BRIGHTEST}).reshape(-1, 8, 8, 1)")
    targets = f"{images}_train, {images}_test"
    arrays = [images]
    if is_used:
        targets += f", {digits}_train, {digits}_test"
        arrays.append(digits)
    size, seed = literal(bundled.TEST_DIGITS), literal(bundled.DIGITS_SEED)
    source.assign(
        targets, call("train_test_split", *arrays, test_size=size, stratify=digits, random_state=seed)
    )


def _digits(_: Settings, variable: Variable) -> Source:
    source = Source(parts=("_train", "_test"), doubles={"image"})
    digit = variable("digit")
    _digit_images(source, variable("image"), "digit" if digit == "_" else digit, is_used=digit != "_")
    return source


def _digits_pairs(settings: Settings, variable: Variable) -> Source:
    source = Source(imports={"import numpy as np"}, recipes=["make_pairs"], parts=("_train", "_test"))
    source.doubles = {"left", "right"}
    _digit_images(source, "images", "digits", is_used=True)
    source.assign("rng", call("np.random.default_rng", literal(bundled.PAIRS_SEED)))
    names = [variable(name) for name in ("left", "right", "same")]
    for part, setting in (("train", "pairs"), ("test", "test_pairs")):
        targets = ", ".join(name if name == "_" else f"{name}_{part}" for name in names)
        count = literal(settings.whole(setting))
        source.assign(targets, call("make_pairs", f"images_{part}", f"digits_{part}", count, "rng"))
    return source


def _spirals(settings: Settings, variable: Variable) -> Source:
    given = _given(settings, "samples", "classes", "noise", "turns")
    return _made(f"{variable('point')}, {variable('arm')}", called("make_spirals", (), given))


def _sine(settings: Settings, variable: Variable) -> Source:
    given = _given(settings, "samples", "length", "horizon", "noise")
    source = _made(f"{variable('window')}, {variable('future')}", called("make_windows", (), given))
    source.ordered, source.gap = True, settings.whole("horizon") - 1
    return source


def _tickets(settings: Settings, variable: Variable) -> Source:
    arrays = ("title", "text_body", "tags", "priority", "department")
    given = _given(settings, "samples", "noise")
    return _made(", ".join(map(variable, arrays)), called("make_tickets", (), given))


def _given(settings: Settings, *names: str) -> dict[str, Expression]:
    return {name: literal(settings.value(name)) for name in names}


def _made(targets: str, expression: Brackets) -> Source:
    source = Source(recipes=[flat(expression.before)])
    source.assign(targets, expression)
    return source


def _moons(settings: Settings, variable: Variable) -> Source:
    return _of_sklearn("make_moons", f"{variable('point')}, {variable('moon')}", settings)


def _circles(settings: Settings, variable: Variable) -> Source:
    targets = f"{variable('point')}, {variable('circle')}"
    return _of_sklearn("make_circles", targets, settings, factor=literal(bundled.INNER_CIRCLE))


def _of_sklearn(function: str, targets: str, settings: Settings, **more: Expression) -> Source:
    source = Source(imports={f"from sklearn.datasets import {function}"})
    seed = literal(bundled.GENERATED_SEED)
    given = {"noise": literal(settings.number("noise")), **more, "random_state": seed}
    source.assign(targets, called(function, [literal(settings.whole("samples"))], given))
    return source


_MADE: Mapping[str, Callable[[Settings, Variable], Source]] = {
    "digits": _digits,
    "digits_pairs": _digits_pairs,
    "spirals": _spirals,
    "moons": _moons,
    "circles": _circles,
    "sine": _sine,
    "tickets": _tickets,
}


def _download(name: str, info: DatasetInfo, settings: Settings, variable: Variable) -> Source:
    source = Source(parts=("_train", "_test"))
    x, y = variable(info.inputs[0].name), variable(info.targets[0].name)
    pairs = [f"({_part(x, part)}, {_part(y, part)})" for part in source.parts]
    source.assign(
        ", ".join(pairs), called(f"keras.datasets.{name}.load_data", (), _passed_on(name, settings))
    )
    is_text = name in ("imdb", "reuters")
    for part in source.parts:
        if is_text and settings.flag("multi_hot"):
            source.recipes = ["multi_hot"]
            words = literal(settings.whole("num_words"))
            source.assign(f"{x}{part}", call("multi_hot", f"{x}{part}", words))
        elif is_text:
            source.imports.add(_SEQUENCES)
            padding = settings.text("padding")
            given: dict[str, Expression] = {"padding": quoted(padding)} if padding != "pre" else {}
            length = literal(settings.whole("length"))
            given = {"maxlen": length, **given}
            source.assign(f"{x}{part}", called("pad_sequences", [f"{x}{part}"], given))
    if name in ("cifar10", "cifar100") and y != "_":
        source.lines.append(f"{y}_train, {y}_test = {y}_train.ravel(), {y}_test.ravel()")
    return source


def _part(name: str, part: str) -> str:
    return name if name == "_" else f"{name}{part}"


def _passed_on(name: str, settings: Settings) -> dict[str, Expression]:
    """What `load_data` of a dataset is given."""
    if name in ("imdb", "reuters"):
        given = {"num_words": literal(settings.whole("num_words"))}
        maxlen = settings.whole_or_none("maxlen")
        return given if maxlen is None else {**given, "maxlen": literal(maxlen)}
    if name == "cifar100" and settings.text("label_mode") != "fine":
        return {"label_mode": quoted(settings.text("label_mode"))}
    if name == "california_housing" and settings.text("version") != "large":
        return {"version": quoted(settings.text("version"))}
    return {}


def _own(data: Data, info: DatasetInfo, variable: Variable, base: Path | None, folder: Path | None) -> Source:
    """The statements that read data of the user's own."""
    path = file_of(data, base)
    kind, settings = opened(path, data)
    shown = shown_path(data.source, base, folder)
    if kind in TABLES:
        read = table_code(path, kind, settings, data, variable, shown)
        return Source(read.lines, read.imports, read.recipes, gaps=read.gaps)
    if kind in (SourceKind.NPZ, SourceKind.NPY):
        return _arrays(path, kind, settings, variable, shown)
    folder_read = folder_code(path, kind, settings, info, variable, shown)
    return Source(folder_read.lines, folder_read.imports, folder_read.recipes, folder_read.parts)


def _arrays(path: Path, kind: SourceKind, settings: Settings, variable: Variable, shown: str) -> Source:
    held = contents(path, settings.text("targets") if kind is SourceKind.NPY else "")
    source = Source(imports={"import numpy as np"})
    ends = {TRAIN: "_train", VALIDATION: "_val", TEST: "_test"}
    splits = held.splits
    source.doubles = {one.name for one in held.inputs if one.parts[TRAIN].dtype == "float64"}
    source.parts = tuple(ends[split] for split in splits) if len(splits) > 1 else ("",)
    if kind is SourceKind.NPZ:
        source.assign("data", call("np.load", quoted(shown)))
    beside = shown if path.is_dir() else os.path.dirname(shown)  # noqa: PTH120 - as the document has it
    for split, part in zip(splits, source.parts, strict=True):
        for stored in dict.fromkeys(one.name for one in (*held.inputs, *held.targets)):
            name = variable(stored)
            if name != "_":
                source.lines += _read(held, stored, split, f"{name}{part}", beside)
    return source


def _read(held: Contents, name: str, split: str, target: str, beside: str) -> list[str]:
    """The statement that reads one array of a file."""
    is_target = name in {stored.name for stored in held.targets}
    stored = next(one for one in (*held.targets, *held.inputs) if one.name == name)
    header = stored.parts[split]
    expression = f"data[{quoted(header.key)}]"
    if header.file:
        expression = f"np.load({quoted(os.path.join(beside, Path(header.file).name))})"  # noqa: PTH118
    if is_target and header.shape[1:] == (1,):
        expression += "[:, 0]"
    if not is_target and header.dtype == "bool":
        expression += '.astype("float32")'
    return lines(expression, before=f"{target} = ")
