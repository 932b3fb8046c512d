"""How the samples of a split go to Keras: as arrays where they are in memory, else in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kflab.data.batches import Batches, as_fed
from kflab.data.class_weights import Weights
from kflab.data.parts import Part
from kflab.graph.nodes import Graph


@dataclass(frozen=True)
class Fed:
    """The arguments of `fit` or `evaluate` that are about the samples.

    Attributes:
        arguments: the arguments.
        batches: what reads the samples, where they are not in memory.
        shuffle: whether Keras is to shuffle them; batches do so themselves.
    """

    arguments: Mapping[str, object]
    batches: Batches | None
    shuffle: bool

    def as_validation(self) -> object:
        """The samples as `validation_data`."""
        if self.batches is not None:
            return self.batches
        return self.arguments["x"], self.arguments["y"]


def fed_with(
    part: Part,
    graph: Graph,
    *,
    batch_size: int,
    seed: int | None = None,
    shuffle: bool = False,
    weights: Weights | None = None,
) -> Fed:
    """How a split goes to Keras.

    Args:
        part: the samples.
        graph: the model.
        batch_size: samples in a batch.
        seed: what order and augmentation follow; None for samples that are only looked at.
        shuffle: whether their order changes with each epoch.
        weights: how much the samples count, by their class.
    """
    if not part.in_memory:
        batches = Batches(part, graph, batch_size=batch_size, seed=seed, shuffle=shuffle, weights=weights)
        return Fed({"x": batches}, batches, shuffle=False)
    inputs, targets = arrays(graph, part)
    arguments: dict[str, object] = {"x": inputs, "y": targets, "batch_size": batch_size}
    if weights is not None:
        given = weights.of(part.read(slice(None))[1], graph)
        arguments["sample_weight"] = given[0] if len(given) == 1 else given
    return Fed(arguments, None, shuffle)


def arrays(graph: Graph, part: Part) -> tuple[object, object]:
    """Inputs and targets in memory as `fit` takes them: alone where there is one, else in a list.

    An output that is held against nothing has None for its target.
    """
    inputs, targets = as_fed(graph, part.inputs, part.targets)
    return _listed(inputs), _listed(targets)


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
