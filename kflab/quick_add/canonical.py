"""A target as the line that says it in full: `x2: Conv2D filters=32 kernel_size=3 padding=same`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from kflab.catalog.text import format_value
from kflab.graph.nodes import Call, Layer, Op, Share, Target
from kflab.quick_add.segments import MODEL, SHARE
from kflab.quick_add.wiring import ALSO
from kflab.values import Arguments, Value

_PLAIN = re.compile(r"[^\s|\"'=,()\[\]{}]+")


def canonical(
    target: Target,
    name: str = "",
    inputs: Sequence[str] = (),
    tensors: Mapping[str, str | Sequence[str]] | None = None,
    call: Arguments | None = None,
) -> str:
    """The segment that stands for a node, every argument by its name.

    Args:
        target: what the node calls.
        name: the name of the node; "" for a fresh one.
        inputs: what feeds it besides the node before it.
        tensors: what feeds it by the name of an argument of the call.
        call: other arguments of the call.
    """
    match target:
        case Layer(layer=called, arguments=arguments) | Op(op=called, arguments=arguments):
            words = [called, *_arguments(arguments)]
        case Call(model=model):
            words = [MODEL, model]
        case Share(node=owner):
            words = [SHARE, owner]
    front = [f"{name}:"] if name else []
    words += [f"{ALSO}{reference}" for reference in inputs]
    for argument, references in (tensors or {}).items():
        several = [references] if isinstance(references, str) else references
        words.append(f"{argument}={','.join(f'{ALSO}{reference}' for reference in several)}")
    return " ".join((*front, *words, *_arguments(call or {})))


def argument_text(name: str, value: Value) -> str:
    """An argument as a word of a line: `padding=same`."""
    shown = format_value(value)
    if isinstance(value, str) and not _PLAIN.fullmatch(shown) and not shown.startswith('"'):
        shown = json.dumps(value, ensure_ascii=False)
    return f"{name}={shown}"


def _arguments(arguments: Arguments) -> list[str]:
    return [argument_text(name, value) for name, value in arguments.items()]
