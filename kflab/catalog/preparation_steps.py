"""The steps that prepare data: Keras' preprocessing layers, and words of `keras.utils` beside them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from kflab.catalog import Catalog, Snapshot, load
from kflab.catalog.check import named_object
from kflab.catalog.entries import Argument, ArgumentKind, Entry, Kind
from kflab.values import Value

PAD, ONE_HOT, CAST = "pad_sequences", "to_categorical", "cast"

PREPROCESSING = "preprocessing"
"""The group of the layers that can prepare data."""

_SEED = "seed"
_OF_A_MODEL = frozenset({"activity_regularizer", "trainable"})
_REGULARIZATION = "regularization"

SEVERAL_ARRAYS = frozenset({"HashedCrossing", "MaxNumBoundingBoxes", "CutMix", "MixUp"})
"""Preprocessing layers that need more than one array: two columns, boxes or labels beside images."""

WORDS: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            Kind.LAYER,
            PAD,
            PREPROCESSING,
            "Makes sequences the same length: short ones are filled up, long ones are cut.",
            arguments=(
                Argument(
                    "maxlen",
                    ArgumentKind.INT,
                    nullable=True,
                    help="The length of all; none: that of the longest of the training samples.",
                ),
                Argument(
                    "padding",
                    ArgumentKind.CHOICE,
                    default="pre",
                    choices=("pre", "post"),
                    help="Whether short ones are filled up at the start or at the end.",
                ),
                Argument(
                    "truncating",
                    ArgumentKind.CHOICE,
                    default="pre",
                    choices=("pre", "post"),
                    help="Whether long ones are cut at the start or at the end.",
                ),
                Argument("value", ArgumentKind.FLOAT, default=0.0, help="What fills up."),
            ),
        ),
        Entry(
            Kind.LAYER,
            ONE_HOT,
            PREPROCESSING,
            "Makes a row of 0s with a single 1 of each class number.",
            arguments=(
                Argument(
                    "num_classes",
                    ArgumentKind.INT,
                    nullable=True,
                    help="How many classes there are; none: as many as the dataset says or training has.",
                ),
            ),
        ),
        Entry(
            Kind.LAYER,
            CAST,
            PREPROCESSING,
            "Gives the values another dtype.",
            arguments=(
                Argument(
                    "dtype",
                    ArgumentKind.CHOICE,
                    required=True,
                    choices=(
                        "float16",
                        "float32",
                        "float64",
                        "int8",
                        "int16",
                        "int32",
                        "int64",
                        "uint8",
                        "uint16",
                        "uint32",
                        "uint64",
                        "bool",
                    ),
                    help="The dtype.",
                ),
            ),
        ),
    )
}
"""The steps that are no layers, described as layers are."""


def find_step(name: str, catalog: Catalog | None = None) -> Entry | None:
    """The layer or word called `name` if data can be prepared or augmented with it."""
    if name in WORDS:
        return WORDS[name]
    entry = (catalog or load()).find(Kind.LAYER, name)
    if entry is None or entry.unsafe:
        return None
    return entry if entry.group == PREPROCESSING or is_random(entry) else None


def is_random(entry: Entry, arguments: Mapping[str, Value] | None = None) -> bool:
    """Whether a step draws random numbers, so that it augments; a `Pipeline` if one inside of it does."""
    if arguments and "layers" in arguments:
        return any(is_random(inner, given) for inner, given in inner_steps(arguments["layers"]))
    return entry.group in (PREPROCESSING, _REGULARIZATION) and entry.argument(_SEED) is not None


def inner_steps(layers: Value) -> list[tuple[Entry, Mapping[str, Value]]]:
    """The steps that a `Pipeline` holds, as far as they are known."""
    found = []
    for item in layers if isinstance(layers, Sequence) and not isinstance(layers, str) else ():
        named = named_object(item)
        entry = find_step(named[0]) if named else None
        if named and entry:
            found.append((entry, named[1]))
    return found


def prepare_names(catalog: Catalog | None = None) -> tuple[str, ...]:
    """The names of the steps that `data.prepare` takes."""
    layers = (catalog or load()).groups(Kind.LAYER).get(PREPROCESSING, ())
    fixed = (one.name for one in layers if not one.unsafe and not is_random(one))
    return (*WORDS, *(name for name in fixed if name not in SEVERAL_ARRAYS))


def augment_names(catalog: Catalog | None = None) -> tuple[str, ...]:
    """The names of the steps that `data.augment` takes."""
    every = (catalog or load()).entries(Kind.LAYER)
    preprocessing = sorted(
        (one for one in every if not one.unsafe and is_random(one)), key=lambda one: one.group
    )
    return tuple(one.name for one in preprocessing if one.name not in SEVERAL_ARRAYS)


@functools.cache
def catalog_of(part: str) -> Catalog:
    """The catalog with those layers alone that a part of the document takes: `prepare` or `augment`."""
    whole = load()
    names = prepare_names() if part == "prepare" else augment_names()
    steps = [_without_training(entry) for name in names if (entry := find_step(name)) is not None]
    others = [entry for kind in Kind if kind is not Kind.LAYER for entry in whole.entries(kind)]
    return Catalog(Snapshot(whole.keras, (*steps, *others)))


def _without_training(entry: Entry) -> Entry:
    """A step without the arguments that only mean something to a layer of a model."""
    arguments = (argument for argument in entry.arguments if argument.name not in _OF_A_MODEL)
    return msgspec.structs.replace(entry, arguments=tuple(arguments))
