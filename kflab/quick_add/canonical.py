"""A target as the line that says it in full: `x2: Conv2D filters=32 kernel_size=3 padding=same`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from kflab.catalog.text import format_value
from kflab.graph.nodes import Call, Layer, Op, Share, Target
from kflab.quick_add.segments import ALSO, MODEL, SHARE
from kflab.values import Arguments, Value

_PLAIN = re.compile(r"[^\s|\"'=,()\[\]{}]+")


def canonical(target: Target, name: str = "", inputs: Sequence[str] = ()) -> str:
    """The segment that stands for a node, every argument by its name."""
    match target:
        case Layer(layer=called, arguments=arguments) | Op(op=called, arguments=arguments):
            words = [called, *_arguments(arguments)]
        case Call(model=model):
            words = [MODEL, model]
        case Share(node=owner):
            words = [SHARE, owner]
    front = [f"{name}:"] if name else []
    return " ".join((*front, *words, *(f"{ALSO}{reference}" for reference in inputs)))


def argument_text(name: str, value: Value) -> str:
    """An argument as a word of a line: `padding=same`."""
    shown = format_value(value)
    if isinstance(value, str) and not _PLAIN.fullmatch(shown) and not shown.startswith('"'):
        shown = json.dumps(value, ensure_ascii=False)
    return f"{name}={shown}"


def _arguments(arguments: Arguments) -> list[str]:
    return [argument_text(name, value) for name, value in arguments.items()]
