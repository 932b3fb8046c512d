"""How samples are prepared, as code: layers adapted to the training samples, and words beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kflab.catalog.entries import Kind
from kflab.catalog.preparation import Described, after_step
from kflab.catalog.preparation_steps import CAST, ONE_HOT, PAD, find_step
from kflab.code.layout import Expression, call, called, literal, quoted, tupled
from kflab.code.names import Names
from kflab.code.objects import CodeError, Objects
from kflab.code.statements import Statements
from kflab.experiment import Spec
from kflab.values import Value

LAYERS = "from keras import layers"
_PADDING = "from keras.utils import pad_sequences"
_ONE_HOT = "from keras.utils import to_categorical"

_LEARNED = ("mean", "variance", "bin_boundaries", "vocabulary")
_ALONE = "Equalization"
_TEXTS = "TextVectorization"


class Parts(msgspec.Struct, frozen=True):
    """The samples of one array in each split, in variables of their own.

    Attributes:
        array: the name of the array.
        train: the variable of the training samples.
        others: the variables of the other splits.
        classes: how many classes the array has, where it is a target; 0 where that is not known.
    """

    array: str
    train: str
    others: tuple[str, ...] = ()
    classes: int = 0

    @property
    def every(self) -> tuple[str, ...]:
        """All variables."""
        return (self.train, *self.others)


def prepare(
    parts: Parts,
    before: Described,
    steps: Iterable[Spec],
    objects: Objects,
    names: Names,
    code: Statements,
) -> Described:
    """Write the statements that prepare an array.

    Args:
        parts: its samples.
        before: what is known of it.
        steps: what is done to it, in order.
        objects: what writes layers.
        names: what gives out variables.
        code: what the statements are added to.

    Returns:
        What is known of it then.

    Raises:
        CodeError: no code can be written for a step.
    """
    for step in steps:
        entry = find_step(step.name)
        name = entry.name if entry else step.name
        if name == PAD:
            _pad(parts, before, step.arguments, names, code)
        elif name == ONE_HOT:
            _one_hot(parts, before, step.arguments, names, code)
        elif name == CAST:
            change(parts.every, f".astype({quoted(str(step.arguments['dtype']))})", code)
        else:
            _layer(parts, before, Spec(name, step.arguments), objects, names, code)
        before = after_step(before, step)
    return before


def fill(parts: Parts, values: str, code: Statements) -> None:
    """Write what fills in missing values; `values` is code with a place for the training samples."""
    code.imports.add("import numpy as np")
    code.recipes.append("filled")
    targets = ", ".join(parts.every) if parts.others else f"({parts.train},)"
    code.assign(targets, called("filled", [values.format(parts.train), *parts.every]))


def change(variables: Sequence[str], what: str, code: Statements) -> None:
    """Write that each of some variables becomes itself and what follows: `x = x.astype("float32")`."""
    code.lines += [f"{variable} = {variable}{what}" for variable in dict.fromkeys(variables)]


def each(variables: Sequence[str], make: str, code: Statements) -> None:
    """Write that each of some variables becomes what `make` says of `part`."""
    some = list(dict.fromkeys(variables))
    if len(some) == 1:
        code.lines.append(f"{some[0]} = {make.replace('part', some[0])}")
    else:
        code.lines.append(f"{', '.join(some)} = ({make} for part in {tupled(some)})")


def _pad(parts: Parts, before: Described, given: Mapping[str, Value], names: Names, code: Statements) -> None:
    code.imports.add(_PADDING)
    length = given.get("maxlen")
    named: dict[str, Expression] = {}
    if length is None:
        longest = names.take("length")
        named["maxlen"] = longest
        code.assign(longest, f"max(map(len, {parts.train}))")
    else:
        named["maxlen"] = literal(length)
    if before.dtype.startswith("float"):
        named["dtype"] = quoted("float32")
    defaults: Mapping[str, Value] = {"padding": "pre", "truncating": "pre", "value": 0.0}
    named |= {key: literal(given[key]) for key, value in defaults.items() if given.get(key, value) != value}
    for variable in parts.every:
        code.assign(variable, called("pad_sequences", [variable], named))


def _one_hot(
    parts: Parts, before: Described, given: Mapping[str, Value], names: Names, code: Statements
) -> None:
    code.imports.add(_ONE_HOT)
    known = given.get("num_classes") or parts.classes
    if known:
        classes = str(known)
    else:
        classes = names.take("classes")
        code.lines.append(f"{classes} = int({parts.train}.max()) + 1")
    # Keras drops an axis of 1, which kflab keeps.
    shaped = ""
    if before.shape[-1:] == (1,):
        shaped = f".reshape(-1, {', '.join(str(axis) for axis in before.shape)}, {classes})"
    for variable in parts.every:
        code.lines.append(f"{variable} = to_categorical({variable}, {classes}){shaped}")


def _layer(
    parts: Parts, before: Described, step: Spec, objects: Objects, names: Names, code: Statements
) -> None:
    given = step.arguments
    entry = objects.entry(Kind.LAYER, step.name)
    if step.name == _ALONE:
        raise CodeError(f"no code can be written yet for {step.name} in data.prepare.{parts.array}")
    if given.get("invert"):
        raise CodeError(f"no code can be written yet for {step.name} with invert in data.prepare")
    code.imports.add(LAYERS)
    code.recipes.append("prepared")
    layer = names.take(_snake(step.name))
    code.assign(layer, objects.make(Kind.LAYER, step.name, given))
    one_axis = before.shape == () and step.name != _TEXTS
    if one_axis:
        # Layers take the last axis for the features.
        each(parts.every, "part[:, None]", code)
    learns = any(entry.argument(name) for name in _LEARNED)
    if learns and all(given.get(name) is None for name in _LEARNED):
        code.lines.append(f"{layer}.adapt({parts.train})")
    code.assign(", ".join(parts.every), called("prepared", [layer, *parts.every]))
    if len(parts.every) == 1:
        code.lines[-1] = code.lines[-1].replace(f"{parts.train} =", f"({parts.train},) =", 1)
    argument = entry.argument("output_mode")
    mode = given.get("output_mode", argument.default if argument else "")
    if one_axis and mode in ("", "int"):
        each(parts.every, "part[:, 0]", code)
    if step.name == _TEXTS and mode == "int" and given.get("output_sequence_length") is None:
        _same_length(parts, names, code)


def _same_length(parts: Parts, names: Names, code: Statements) -> None:
    """Texts as long as the longest of the training samples."""
    if not parts.others:
        return
    code.imports.add(_PADDING)
    length = names.take("length")
    code.lines.append(f"{length} = {parts.train}.shape[1]")
    for variable in parts.others:
        padded = call("pad_sequences", variable, length, padding='"post"', truncating='"post"')
        code.assign(variable, padded)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")
