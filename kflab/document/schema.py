"""The JSON schema of the experiment document, from its types and the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.preparation_steps import augment_names, find_step, prepare_names
from kflab.experiment import Data, Training
from kflab.graph.nodes import INPUT, NAME
from kflab.values import Value

ADDRESS = "https://json-schema.org/draft/2020-12/schema"

_PLAIN: Mapping[ArgumentKind, Value] = {
    ArgumentKind.INT: {"type": "integer"},
    ArgumentKind.FLOAT: {"type": "number"},
    ArgumentKind.BOOL: {"type": "boolean"},
    ArgumentKind.TEXT: {"type": "string"},
}


def schema(catalog: Catalog) -> dict[str, Value]:
    """The JSON schema (draft 2020-12) of a document whose names are those of `catalog`."""
    graph: Value = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
            "nodes": {"type": "object", "additionalProperties": {"$ref": "#/$defs/node"}},
            "outputs": {"$ref": "#/$defs/references"},
            "inputs": {"$ref": "#/$defs/references"},
            "trainable": {
                "type": "boolean",
                "default": True,
                "description": "False freezes its weights, those of the models that it calls included.",
            },
        },
        "additionalProperties": False,
    }
    return {
        "$schema": ADDRESS,
        "title": "kflab experiment",
        "type": "object",
        "properties": {
            "kflab": {"const": 1, "description": "The number of the document format."},
            "title": {"type": "string"},
            "notes": {"type": "string"},
            "result": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^(>=|<=)"}},
            "data": _data(catalog),
            "model": {"$ref": "#/$defs/graph"},
            "models": {"type": "object", "additionalProperties": {"$ref": "#/$defs/graph"}},
            "training": _training(),
            "ignore": {
                "type": "array",
                "items": {"type": "string", "pattern": "^KF[0-9]{3}$"},
                "description": "The rules that are switched off.",
            },
        },
        "required": ["model"],
        "additionalProperties": False,
        "$defs": {
            "graph": graph,
            "node": _node(catalog),
            "references": {"type": ["string", "array"], "items": {"type": "string"}},
            **{str(kind): _named(catalog, kind) for kind in Kind if kind is not Kind.OP},
        },
    }


def _struct(kind: type[msgspec.Struct]) -> dict[str, Value]:
    """The schema of a section as msgspec derives it from the type, without what its wrapping adds."""
    made: dict[str, Value] = msgspec.json.schema(kind)
    definitions = made["$defs"]
    assert isinstance(definitions, Mapping)
    section = definitions[kind.__name__]
    assert isinstance(section, Mapping)
    return dict(section)


def _data(catalog: Catalog) -> dict[str, Value]:
    section = _struct(Data)
    properties = section["properties"]
    assert isinstance(properties, Mapping)

    def steps(names: Iterable[str], words: str) -> Value:
        entries = [entry for name in names if (entry := find_step(name, catalog)) is not None]
        named: list[Value] = [name for entry in entries for name in (entry.name, *entry.aliases)]
        forms: dict[str, Value] = {entry.name: _arguments(entry) for entry in entries}
        step: Value = {
            "oneOf": [
                {"type": "string", "enum": named},
                {"type": "object", "properties": forms, "additionalProperties": False, "maxProperties": 1},
            ]
        }
        return {
            "type": "object",
            "description": words,
            "additionalProperties": {"oneOf": [step, {"type": "array", "items": step}]},
        }

    return {
        **section,
        "properties": {
            **properties,
            "prepare": steps(
                prepare_names(catalog), "What is done to each array before the model sees it, by its name."
            ),
            "augment": steps(
                augment_names(catalog), "What changes training samples at random, by the array's name."
            ),
        },
    }


def _training() -> dict[str, Value]:
    section = _struct(Training)
    properties = section["properties"]
    assert isinstance(properties, Mapping)
    loss: Value = {"$ref": "#/$defs/loss"}
    metrics: Value = {
        "oneOf": [{"$ref": "#/$defs/metric"}, {"type": "array", "items": {"$ref": "#/$defs/metric"}}]
    }
    arguments: Value = {"type": ["object", "null"]}
    callback: Value = {"$ref": "#/$defs/callback"}
    return {
        **section,
        "properties": {
            **properties,
            "optimizer": {"$ref": "#/$defs/optimizer"},
            "loss": {"anyOf": [loss, {"type": "object", "additionalProperties": loss}]},
            "metrics": {"anyOf": [metrics, {"type": "object", "additionalProperties": metrics}]},
            "callbacks": {
                "anyOf": [
                    {"type": "object", "additionalProperties": arguments},
                    {"type": "array", "items": callback},
                ]
            },
        },
    }


def _node(catalog: Catalog) -> dict[str, Value]:
    calls: dict[str, Value] = {
        entry.name: _arguments(entry)
        for kind in (Kind.LAYER, Kind.OP)
        for entry in catalog.entries(kind)
        if not entry.unsafe
    }
    fed: Value = {
        "anyOf": [
            {"$ref": "#/$defs/references"},
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/references"}},
        ],
        "description": f"What the node is called with: names of nodes. An {INPUT} has none.",
    }
    called: Value = [{"required": [name]} for name in (*calls, "share", "model")]
    return {
        "type": "object",
        "properties": {
            **calls,
            "share": {"type": "string", "description": "The node whose layer is called again."},
            "model": {"type": "string", "description": "The nested model that is called."},
            "from": fed,
            "call": {
                "type": "object",
                "description": "Other arguments of the call, such as training: false.",
            },
        },
        "additionalProperties": False,
        "oneOf": called,
    }


def _named(catalog: Catalog, kind: Kind) -> dict[str, Value]:
    entries = [entry for entry in catalog.entries(kind) if not entry.unsafe]
    names: list[Value] = [name for entry in entries for name in (entry.name, *entry.aliases)]
    forms: dict[str, Value] = {entry.name: _arguments(entry) for entry in entries}
    return {
        "oneOf": [
            {"type": "string", "enum": names},
            {"type": "object", "properties": forms, "additionalProperties": False, "maxProperties": 1},
        ]
    }


def _arguments(entry: Entry) -> dict[str, Value]:
    return {
        "type": ["object", "null"],
        "description": entry.summary,
        "properties": {argument.name: _argument(argument) for argument in entry.arguments},
        "additionalProperties": False,
    }


def _argument(argument: Argument) -> dict[str, Value]:
    described: dict[str, Value] = {"description": argument.help} if argument.help else {}
    if not argument.required:
        described["default"] = argument.default
    if argument.choices and argument.kind is ArgumentKind.CHOICE:
        choices: list[Value] = [*argument.choices]
        return {**described, "enum": [*choices, None] if argument.nullable else choices}
    plain = _PLAIN.get(argument.kind)
    if isinstance(plain, Mapping):
        kinds: list[Value] = [plain["type"], "null"]
        return {**described, "type": kinds if argument.nullable else plain["type"]}
    return described
