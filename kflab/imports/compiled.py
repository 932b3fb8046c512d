"""How a model was compiled, as the training of an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.catalog import Catalog, Kind
from kflab.catalog.check import named_object
from kflab.experiment import EVERY_OUTPUT, Spec, Training
from kflab.imports.found import Found
from kflab.imports.serialized import SerializedReader, shortest_float
from kflab.values import Value


class CompiledReader:
    """Reads optimizer, loss and metrics; what is code of somebody's own is left out with a note.

    Args:
        catalog: what Keras offers.
        found: where notes go.
        outputs: the names of the model's outputs, in order.
        keys: the names of outputs by the names that the source has for them, where they differ.
    """

    def __init__(
        self, catalog: Catalog, found: Found, outputs: Sequence[str], keys: Mapping[str, str]
    ) -> None:
        self._catalog, self._found = catalog, found
        self._outputs, self._keys = outputs, keys

    def training(self, compiled: Mapping[str, Value]) -> Training:
        """The training that a `compile_config` describes, as far as it can be read."""
        optimizer = self._spec(Kind.OPTIMIZER, compiled.get("optimizer") or compiled.get("optimizer_config"))
        metrics = self._metrics(compiled.get("metrics"))
        loss = self._loss(compiled.get("loss"))
        weights = compiled.get("loss_weights")
        if isinstance(weights, Sequence) and not isinstance(weights, str):
            weights = dict(zip(self._outputs, weights, strict=False))
        if not isinstance(weights, Mapping):
            weights = {}
        return Training(
            optimizer=_with_short_numbers(optimizer) if optimizer else Spec("Adam"),
            loss=loss,
            loss_weights={
                self._output(name): float(weight)
                for name, weight in weights.items()
                if isinstance(weight, int | float)
            },
            metrics=metrics,
        )

    def _output(self, name: str) -> str:
        return self._keys.get(name, name)

    def _spec(self, kind: Kind, raw: Value) -> Spec | None:
        if raw is None or raw in ({}, ""):
            return None
        if isinstance(raw, Mapping) and "class_name" not in raw and "config" in raw:
            raw = {**raw, "class_name": "function"}
        told = Found()
        read = SerializedReader(self._catalog, told).named(kind, raw, f"the {kind}")
        if told.has_refusals:
            self._found.note(f"the {kind} {_shown(raw)} is not one of Keras: choose one")
            return None
        if isinstance(read, str):
            return Spec(read)
        name, arguments = named_object(read) or ("", {})
        return Spec(name, {key: value for key, value in arguments.items() if key != "name"}) if name else None

    def _loss(self, raw: Value) -> dict[str, Spec]:
        if isinstance(raw, Mapping) and "class_name" not in raw:
            found = {self._output(name): self._spec(Kind.LOSS, one) for name, one in raw.items()}
        elif isinstance(raw, Sequence) and not isinstance(raw, str):
            found = {name: self._spec(Kind.LOSS, one) for name, one in zip(self._outputs, raw, strict=False)}
        else:
            found = {EVERY_OUTPUT: self._spec(Kind.LOSS, raw)}
        return {name: loss for name, loss in found.items() if loss is not None}

    def _metrics(self, raw: Value) -> dict[str, tuple[Spec, ...]]:
        if isinstance(raw, Mapping) and "class_name" not in raw:
            found = {self._output(name): self._several(one) for name, one in raw.items()}
        elif isinstance(raw, Sequence) and raw and all(_is_list(one) for one in raw):
            found = {name: self._several(one) for name, one in zip(self._outputs, raw, strict=False)}
            if len(self._outputs) == 1:
                found = {EVERY_OUTPUT: next(iter(found.values()))}
        else:
            found = {EVERY_OUTPUT: self._several(raw)}
        return {name: metrics for name, metrics in found.items() if metrics}

    def _several(self, raw: Value) -> tuple[Spec, ...]:
        each = raw if isinstance(raw, Sequence) and not isinstance(raw, str) else [raw]
        return tuple(spec for one in each if (spec := self._spec(Kind.METRIC, one)) is not None)


def _is_list(value: Value) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(raw: Value) -> str:
    if isinstance(raw, Mapping):
        raw = raw.get("registered_name") or raw.get("class_name")
    return repr(raw)[:60]


def _with_short_numbers(spec: Spec) -> Spec:
    """An optimizer with its numbers as they were written: they went through 32 bits."""
    return Spec(
        spec.name,
        {
            key: shortest_float(value) if isinstance(value, float) else value
            for key, value in spec.arguments.items()
        },
    )
