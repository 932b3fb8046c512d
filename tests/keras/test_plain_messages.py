"""Whatever Keras refuses, it is told in plain words: no class paths and nothing of Python's own."""

from __future__ import annotations

import re

import msgspec
import pytest

from kflab import catalog
from kflab.catalog import Kind
from kflab.engine.inspect import Inspector
from kflab.graph.nodes import INPUT, Layer, Node
from kflab.values import Value

from .test_whole_catalog import calls

JARGON = re.compile(
    r"keras\.src|tensorflow|Traceback|KerasTensor|0x[0-9a-f]|\{\{|\n|Exception|<class|index out of range|"
    r"NoneType|has no attribute|object is not|deserializ|traceback|positional argument|__\w+__|not supported "
    r"between|unpack"
)

UNUSUAL: tuple[list[Value], ...] = ([], [5], [3, 2], [None, None], [4, 4, 3, 2], [2, 2, 2, 2, 2])


@pytest.mark.parametrize("kind", [Kind.LAYER, Kind.OP])
def test_what_is_refused_is_told_in_plain_words(kind: Kind) -> None:
    inspector, told = Inspector(), []
    for entry in catalog.load().entries(kind):
        if entry.unsafe or not entry.tensors:
            continue
        first = calls(entry)[0]
        for shape in UNUSUAL:
            nodes = {
                name: Node(Layer(INPUT, {"shape": shape})) if node.is_input else node
                for name, node in first.model.nodes.items()
            }
            model = msgspec.structs.replace(first.model, nodes=nodes)
            report = inspector.inspect(msgspec.structs.replace(first, model=model))
            told += [f"{entry.name} on {shape}: {finding.message}" for finding in report.findings]
    assert len(told) > 100
    assert [message for message in told if JARGON.search(message)] == []
