"""`kflab cost`: what training will take, in memory, work and time, before it is started."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from kflab.commands import arguments
from kflab.commands.choosing import use_backend_option, use_device_option
from kflab.commands.inspecting import FAILED, has_errors, report_on, set_option
from kflab.commands.output import finding_lines, json_option, print_json, table
from kflab.tui.text import bytes_text, count_text, duration, fit_middle, plural, share_text

if TYPE_CHECKING:
    from kflab.engine.protocol import Cost, LayerCost, Report, Smoked, SmokeResult
    from kflab.experiment import Experiment

MOST_NODES = 10
"""Nodes that are listed where nobody asks for all."""

_LONGEST_NAME = 40

BACKWARD = 2
"""The operations of the backward pass against those of the forward pass: each product asks for two."""


@click.command()
@click.argument("experiment")
@click.option("--all", "every", is_flag=True, help="List every node, in the order of the graph.")
@click.option("--smoke", "with_smoke", is_flag=True, help="Train for a few seconds on the data, and measure.")
@set_option
@use_backend_option
@use_device_option
@json_option
def cost(
    experiment: str, assignments: tuple[str, ...], *, every: bool, with_smoke: bool, as_json: bool
) -> int:
    """Tell what training EXPERIMENT takes: memory, operations and, with --smoke, time.

    Memory is estimated from shapes, at the batch size of the experiment. Exits 1 where errors stand in the
    way: shapes that do not fit, or, with --smoke, anything that would stop a run.
    """
    named = arguments.load(experiment, assignments)
    environment = dict(os.environ)  # as it is before Keras is brought into this process, on the CPU
    report, _ = report_on(named)
    if has_errors(report.findings):
        if as_json:
            print_json({"cost": None, "findings": report.findings})
        else:
            click.echo("\n".join(finding_lines(experiment, report.findings)))
        return FAILED
    smoked = _smoked(named, environment) if with_smoke else None
    if as_json:
        print_json(_as_json(report.cost, smoked))
    else:
        click.echo("\n".join(_lines(named.experiment, report, every)))
        if smoked is not None:
            click.echo()
            click.echo("\n".join(_smoke_lines(experiment, named.experiment, report.cost, smoked)))
    return FAILED if smoked is not None and smoked.result is None else 0


def _smoked(named: arguments.Named, environment: Mapping[str, str]) -> Smoked:
    """What a smoke step measured, in a process of its own: what it takes can not take this one down.

    Raises:
        EngineError: the data can not be had, or training fails.
    """
    import asyncio

    from kflab import document, paths
    from kflab.engine.client import SMOKE_COMMAND, EngineClient

    async def ask() -> Smoked:
        log = paths.state_dir() / "smoke.log"
        engine = EngineClient(log, command=SMOKE_COMMAND, environment=environment)
        engine.start()
        try:
            return await engine.smoke(document.encode(named.experiment), str(named.base))
        finally:
            await engine.close()

    return asyncio.run(ask())


def _as_json(cost: Cost, smoked: Smoked | None) -> dict[str, object]:
    found: dict[str, object] = {"cost": cost, "total": cost.memory.total}
    if smoked is not None:
        found |= {"smoke": smoked.result, "findings": smoked.findings}
    return found


def _lines(experiment: Experiment, report: Report, every: bool) -> Iterator[str]:
    cost, batch, totals = report.cost, experiment.training.batch_size, report.model.totals
    yield f"Memory of training, at a batch of {batch:,}"
    yield from _indented(_memory_rows(experiment, report), right=(1,))
    yield ""
    yield "Floating-point operations"
    step = cost.flops * (1 + BACKWARD) * batch
    rows = [
        ["a sample", count_text(cost.flops, narrow=True), "forward"],
        ["a step", count_text(step, narrow=True), f"forward and backward, {plural(batch, 'sample')}"],
    ]
    yield from _indented(rows, right=(1,))
    nodes = list(cost.nodes) if every else most_costly(cost, MOST_NODES)
    if not nodes or not totals.total + cost.flops:
        return
    yield ""
    yield "Every node" if every else "What costs the most"
    yield from _indented(
        [["node", "layer", "FLOP", "", "kept", ""], *_node_rows(report, nodes)], (2, 3, 4, 5)
    )
    left = sum(1 for node in cost.nodes if node.flops or node.bytes) - len(nodes)
    if not every and left > 0:
        yield f"  and {plural(left, 'node')} more; --all lists every node"


def _indented(rows: list[list[str]], right: tuple[int, ...]) -> list[str]:
    return [f"  {line}".rstrip() for line in table(rows, right)]


def _memory_rows(experiment: Experiment, report: Report) -> list[list[str]]:
    memory, cost = report.cost.memory, report.cost
    totals = report.model.totals
    rows = [
        ["weights", bytes_text(memory.weights), plural(totals.total, "parameter")],
        ["gradients", bytes_text(memory.gradients), f"of the {totals.trainable:,} that are trained"],
        ["slots", bytes_text(memory.slots), f"what {experiment.training.optimizer.name} keeps"],
        ["activations", bytes_text(memory.activations), "kept for the backward pass, and room to work in"],
        ["batch", bytes_text(memory.batch), "the samples under way"],
        ["runtime", bytes_text(memory.runtime), "the compiled steps"],
    ]
    against = ""
    if cost.available:
        share = share_text(memory.total, cost.available)
        against = f"{share} of the {bytes_text(cost.available)} that {cost.device} has free"
        if memory.total > cost.available:
            against += ": it will not fit"
    return [*rows, ["total", bytes_text(memory.total), against]]


def most_costly(cost: Cost, most: int) -> list[LayerCost]:
    """The nodes with the largest share of the work or of the memory, the largest first."""
    work = sum(node.flops for node in cost.nodes) or 1
    memory = sum(node.bytes for node in cost.nodes) or 1
    ranked = sorted(cost.nodes, key=lambda node: max(node.flops / work, node.bytes / memory), reverse=True)
    return [node for node in ranked[:most] if node.flops or node.bytes]


def _node_rows(report: Report, nodes: list[LayerCost]) -> Iterator[list[str]]:
    memory = sum(node.bytes for node in report.cost.nodes if not node.graph)
    for node in nodes:
        graph = report.models[node.graph] if node.graph else report.model
        place = f"{node.graph}/{node.node}" if node.graph else node.node
        yield [
            fit_middle(place, _LONGEST_NAME),
            graph.nodes[node.node].layer,
            count_text(node.flops, narrow=True),
            share_text(node.flops, report.cost.flops),
            bytes_text(node.bytes),
            share_text(node.bytes, memory),
        ]


def _smoke_lines(file: str, experiment: Experiment, cost: Cost, smoked: Smoked) -> Iterator[str]:
    result = smoked.result
    if result is None:
        yield from finding_lines(file, smoked.findings)
        return
    yield f"A smoke step on {result.device or 'this machine'}"
    rows = [
        ["first step", _seconds(result.first_step_seconds), "compiles the model"],
        ["a step", _seconds(result.step_seconds), f"{plural(experiment.training.batch_size, 'sample')}"],
        ["an epoch", _seconds(result.epoch_seconds), f"{plural(result.steps, 'step')} and the validation"],
        ["the run", _seconds(result.run_seconds), plural(experiment.training.epochs, "epoch")],
        ["memory", bytes_text(result.peak_bytes), f"at its peak; estimated {bytes_text(cost.memory.total)}"],
        ["first loss", *_loss_cells(result)],
    ]
    yield from _indented(rows, right=(1,))


def _loss_cells(result: SmokeResult) -> tuple[str, str]:
    chance = "" if result.chance is None else f"chance gives {result.chance:.4g}"
    if result.loss is None:
        return "no finite number", chance
    return f"{result.loss:.4g}", chance


def _seconds(seconds: float) -> str:
    """A time in milliseconds where it is short."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else duration(seconds)
