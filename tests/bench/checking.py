"""How long all rules take after an edit, and which take longest: `python -m tests.bench.checking`.

Each round replaces one node of the graph, as an edit does, so that nothing that is remembered of the whole
graph holds any more, and asks the engine before the clock runs.

    python -m tests.bench.checking [nodes ...]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import msgspec

from kflab.catalog.datasets import describe
from kflab.catalog.matching import match
from kflab.diagnose import rules
from kflab.diagnose.check import check
from kflab.diagnose.facts import Facts
from kflab.engine.inspect import Inspector
from kflab.experiment import Experiment
from kflab.graph.nodes import Layer
from tests.bench.edits import trained
from tests.bench.graphs import residual

ROUNDS = 15
SLOWEST = 6


def edited(experiment: Experiment, number: int) -> Experiment:
    """The experiment with other filters in one of its convolutions."""
    nodes = dict(experiment.model.nodes)
    name = [name for name, node in nodes.items() if "conv" in name][number % 3 - 1]
    target = nodes[name].target
    assert isinstance(target, Layer)
    arguments = dict(target.arguments)
    nodes[name] = msgspec.structs.replace(
        nodes[name], target=msgspec.structs.replace(target, arguments=arguments)
    )
    return msgspec.structs.replace(experiment, model=msgspec.structs.replace(experiment.model, nodes=nodes))


def measure(experiment: Experiment) -> None:
    """Prints the median and worst time of all rules, and the slowest of them."""
    inspector, info = Inspector(), describe(experiment.data)
    whole: list[float] = []
    each: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        experiment = edited(experiment, number)
        report = inspector.inspect(experiment)
        begin = time.process_time()
        check(experiment, info, report)
        whole.append(time.process_time() - begin)
        experiment = edited(experiment, number)
        matching = match(experiment.model, experiment.data, info)
        facts = Facts(
            experiment=experiment, report=report, info=info, matching=matching, told=report.findings
        )
        for rule in rules.ALL:
            begin = time.process_time()
            list(rule.findings(facts))
            each.setdefault(f"{rule.code} {rule.name}", []).append(time.process_time() - begin)
    nodes = len(experiment.model.nodes)
    middle, worst = statistics.median(whole) * 1e3, max(whole) * 1e3
    sys.stdout.write(f"{nodes} nodes: all rules {middle:.1f} ms (worst {worst:.1f} ms)\n")
    slowest = sorted(each.items(), key=lambda item: -statistics.median(item[1]))[:SLOWEST]
    for name, times in slowest:
        sys.stdout.write(f"    {statistics.median(times) * 1e3:6.2f} ms  {name}\n")


def main() -> None:
    """Measures graphs of the sizes that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", nargs="*", type=int, default=[200, 1000])
    for size in parser.parse_args().nodes:
        measure(trained(residual(size)))


if __name__ == "__main__":
    main()
