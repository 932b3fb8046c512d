"""Names of a source as names that a document can have."""

from __future__ import annotations

import re

from kflab.graph.nodes import NAME

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.\-]+")


def fitting(name: str) -> str:
    """The name, or the nearest one that a node or model may have: `a_b` for `a/b`."""
    if NAME.fullmatch(name):
        return name
    name = _NOT_ALLOWED.sub("_", name).strip("_.-")
    return name if NAME.fullmatch(name) else f"layer_{name}".rstrip("_")
