"""How long the engine takes from an edit to the new report: `python -m tests.bench.inspection`.

Each edit changes an argument of a random layer to a value that was not there before, so that shapes change
from there on. What the document costs to decode is measured, too, since the lab sends the whole of it.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable

import msgspec

from kflab import document
from kflab.engine.inspect import Inspector
from kflab.engine.summary import summary_text
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph, Layer, Node
from kflab.values import Value
from tests.bench.graphs import residual, unlike

EDITS = 200
SIZES = {"Conv2D": "filters", "Dense": "units"}


def edited(experiment: Experiment, node: str, **arguments: Value) -> Experiment:
    nodes = dict(experiment.model.nodes)
    target = nodes[node].target
    assert isinstance(target, Layer)
    changed = Layer(target.layer, {**target.arguments, **arguments})
    nodes[node] = msgspec.structs.replace(nodes[node], target=changed)
    return msgspec.structs.replace(experiment, model=msgspec.structs.replace(experiment.model, nodes=nodes))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def show(what: str, times: list[float]) -> None:
    times = sorted(times)
    middle, late = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    figures = {"median": middle, "p95": late, "worst": times[-1]}
    shown = "   ".join(f"{name} {value * 1e3:7.1f} ms" for name, value in figures.items())
    sys.stdout.write(f"{what:52s} {shown}\n")


def measure(what: str, experiment: Experiment, inspector: Inspector) -> None:
    draw = random.Random(1)
    sized = [
        (name, SIZES[node.target.layer])
        for name, node in experiment.model.nodes.items()
        if isinstance(node.target, Layer) and node.target.layer in SIZES
    ]
    show(f"{what}: first report", [seconds(lambda: inspector.inspect(experiment))])
    show(f"{what}: nothing changed", [seconds(lambda: inspector.inspect(experiment)) for _ in range(20)])
    edits = []
    decodes = []
    for edit in range(EDITS):
        name, argument = draw.choice(sized)
        after = edited(experiment, name, **{argument: 5000 + edit})
        plain = document.encode(after)
        decodes.append(seconds(lambda plain=plain: document.decode(plain)))
        edits.append(seconds(lambda after=after: inspector.inspect(after)))
    show(f"{what}: an edit of a size", edits)
    show(f"{what}: decoding its document", decodes)
    start = next(iter(experiment.model.nodes))
    shapes = [
        [200 + edit, *experiment.model.nodes[start].target.arguments["shape"][1:]] for edit in range(20)
    ]
    inputs = [edited(experiment, start, shape=shape) for shape in shapes]
    show(f"{what}: an edit of the Input", [seconds(lambda a=a: inspector.inspect(a)) for a in inputs])


def main() -> None:
    inspector = Inspector()
    measure("ResNet, 200 nodes", residual(), inspector)
    measure("chain of 200 unlike layers", unlike(), inspector)
    layer = {"wide": Node(Layer("Dense", {"units": 400_000}), ("x",))}
    graph = Graph(nodes={"x": Node(Layer("Input", {"shape": [400_000]})), **layer}, outputs=("wide",))
    huge = Experiment(data=Data(source="digits"), model=graph)
    sizes = [edited(huge, "wide", units=400_000 + edit) for edit in range(20)]
    show("160 billion parameters", [seconds(lambda a=a: inspector.inspect(a)) for a in sizes])
    show("160 billion parameters: summary", [seconds(lambda: summary_text(huge, 80)) for _ in range(5)])
    show("ResNet, 200 nodes: summary", [seconds(lambda: summary_text(residual(), 100)) for _ in range(5)])


if __name__ == "__main__":
    main()
