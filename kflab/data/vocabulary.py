"""The words behind the ids of Keras' text datasets, where Keras has put their list on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kflab import paths

_FIRST = 3
"""The ids below are no words: 0 fills up, 1 starts a text, 2 is a word that was left out."""

_SIGNS = {1: "⏵", 2: "…"}


def words_of(source: str) -> Mapping[int, str]:
    """The word of each id of a dataset; nothing where the list is not on this machine."""
    if source not in ("imdb", "reuters"):
        return {}
    try:
        text = (paths.keras_datasets_dir() / f"{source}_word_index.json").read_text(encoding="utf-8")
        index = json.loads(text)
    except (OSError, ValueError):
        return {}  # Looking downloads nothing, and ids will do.
    if not isinstance(index, dict):
        return {}
    words = {number + _FIRST: word for word, number in index.items() if isinstance(number, int)}
    return {**words, **_SIGNS}
