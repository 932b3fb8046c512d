"""The vocabularies of lookup layers: a `.keras` file has them beside its description, a document inside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kflab.imports.found import Found
from kflab.imports.models import Config, config_of, is_model, layers_of, name_of
from kflab.imports.operations import is_operation
from kflab.values import Value

_WORD = re.compile(r"([a-z0-9])([A-Z])")
_WORDS = re.compile(r"(.)([A-Z][a-z0-9]+)")


def with_vocabularies(
    model: Config, vocabularies: Mapping[str, Sequence[str]], found: Found, place: str = ""
) -> Config:
    """A model's description with the vocabulary of each of its lookup layers among the layer's arguments.

    Args:
        model: the serialised model.
        vocabularies: the words by the way to the layer in the file: `layers/string_lookup`.
        found: told of what cannot be brought in.
        place: the way to the model in the file.
    """
    if not vocabularies or not is_model(model):
        return model
    config = config_of(model)
    seen: dict[str, int] = {}
    layers: list[Value] = []
    for layer in layers_of(config):
        if is_operation(layer):
            layers.append(layer)
            continue
        name = _file_name(str(layer.get("class_name")))
        number = seen.get(name, 0)
        seen[name] = number + 1
        way = f"{place}layers/{name}{f'_{number}' if number else ''}"
        inside = with_vocabularies(layer, vocabularies, found, f"{way}/")
        layers.append(_with_words(inside, vocabularies[way], found) if way in vocabularies else inside)
    return {**model, "config": {**config, "layers": layers}}


def _file_name(class_name: str) -> str:
    """What Keras calls the layers of a class in a file: `text_vectorization` of `TextVectorization`."""
    return _WORD.sub(r"\1_\2", _WORDS.sub(r"\1_\2", re.sub(r"\W+", "", class_name))).lower()


def _with_words(layer: Config, words: Sequence[str], found: Found) -> Config:
    config = config_of(layer)
    if config.get("output_mode") == "tf_idf":
        found.note(f"{name_of(layer)}: it weighs its words (tf_idf), so it has to be adapted again")
        return layer
    special = {"" if config.get("mask_token", "") is None else str(config.get("mask_token", ""))}
    special |= {"[UNK]", str(config.get("oov_token", ""))}
    kept = list(words)
    while kept and kept[0] in special:
        kept.pop(0)
    is_number = layer.get("class_name") == "IntegerLookup"
    return {**layer, "config": {**config, "vocabulary": [int(word) for word in kept] if is_number else kept}}
