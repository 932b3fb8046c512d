"""How the catalog is grouped and ordered: as the Keras documentation does it.

The only hand-written part of the catalog. Groups follow from the module that Keras keeps a class in; a module
that is not named here is a group of its own name.
"""

from __future__ import annotations

from collections.abc import Sequence

from kflab.catalog.entries import Entry, Kind

CHOSEN_BY_LOSS = "chosen by the loss"
"""The group of the metrics that Keras resolves by the loss: `accuracy`, `crossentropy`."""

GROUPS: dict[Kind, tuple[str, ...]] = {
    Kind.LAYER: (
        "core", "convolution", "pooling", "recurrent", "normalization", "embedding", "activation", "merging",
        "attention", "regularization", "reshaping", "preprocessing",
    ),
    Kind.OP: ("core", "numpy", "math", "nn", "linalg", "image", "einops"),
    Kind.LOSS: ("probabilistic", "regression", "hinge", "segmentation", "other"),
    Kind.METRIC: (
        CHOSEN_BY_LOSS, "accuracy", "probabilistic", "regression", "classification", "segmentation", "hinge",
        "correlation", "reduction",
    ),
    Kind.INITIALIZER: ("random", "constant"),
}  # fmt: skip
"""The groups of each kind in the order they are shown. Kinds that are not here have one group."""

_MODULES = {
    "convolutional": "convolution",
    "rnn": "recurrent",
    "activations": "activation",
    "export": "core",
    "utils": "core",
    "accuracy_metrics": "accuracy",
    "probabilistic_metrics": "probabilistic",
    "regression_metrics": "regression",
    "confusion_metrics": "classification",
    "f_score_metrics": "classification",
    "iou_metrics": "segmentation",
    "hinge_metrics": "hinge",
    "correlation_metrics": "correlation",
    "reduction_metrics": "reduction",
    "random_initializers": "random",
    "constant_initializers": "constant",
}

_LOSS_WORDS = (
    ("Crossentropy", "probabilistic"),
    ("CrossEntropy", "probabilistic"),
    ("Poisson", "probabilistic"),
    ("Divergence", "probabilistic"),
    ("Hinge", "hinge"),
    ("Error", "regression"),
    ("Huber", "regression"),
    ("LogCosh", "regression"),
    ("CosineSimilarity", "regression"),
    ("Dice", "segmentation"),
    ("Tversky", "segmentation"),
)

_FIRST = ("Input", "Dense", "accuracy")
"""What stands first in its group; the rest follows by name."""


def group_of(kind: Kind, name: str, module: str) -> str:
    """The group of an entry.

    Args:
        kind: what it is.
        name: its name.
        module: the module that Keras defines it in, such as `keras.src.layers.rnn.lstm`.
    """
    if kind is Kind.LOSS:
        return next((group for word, group in _LOSS_WORDS if word in name), "other")
    if kind not in GROUPS:
        return f"{kind}s" if not kind.endswith("y") else f"{kind[:-1]}ies"
    if kind is Kind.LAYER and name.endswith("Embedding"):
        return "embedding"
    # keras.src.<package>.<part>...: layers are kept in packages, the others in modules of one package.
    parts = module.split(".")[2:]
    part = (
        parts[1] if len(parts) > 1 and parts[0] in ("layers", "metrics", "initializers", "ops") else parts[0]
    )
    return _MODULES.get(part, part)


def ordered(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries by kind, group and name."""
    return tuple(sorted(entries, key=_place))


def _place(entry: Entry) -> tuple[int, int, str, int, str]:
    groups = GROUPS.get(entry.kind, ())
    group = groups.index(entry.group) if entry.group in groups else len(groups)
    first = _FIRST.index(entry.name) if entry.name in _FIRST else len(_FIRST)
    return list(Kind).index(entry.kind), group, entry.group, first, entry.name.lower()
