"""`kflab add`: what the line of the lab adds to a model, without the lab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands import changing
from kflab.commands.output import json_option, print_json
from kflab.errors import UnusableInputError

if TYPE_CHECKING:
    from kflab.graph.nodes import Graph
    from kflab.quick_add.chains import Added, Place
    from kflab.quick_add.understood import Understood


@click.command()
@click.argument("experiment")
@click.argument("line")
@click.option(
    "--after", multiple=True, metavar="NODE", help="The node that feeds it; several are merged in this order."
)
@click.option("--branch", is_flag=True, help="Beside what that node feeds already, not in front of it.")
@click.option("--before", default="", metavar="NODE", help="The node that it feeds.")
@click.option("--between", nargs=2, metavar="NODE NODE", help="Only on the edge from one node to another.")
@changing.model_option
@changing.output_option
@json_option
def add(
    experiment: str,
    line: str,
    after: tuple[str, ...],
    before: str,
    between: tuple[str, str] | None,
    nested: str,
    output: Path | None,
    *,
    branch: bool,
    as_json: bool,
) -> None:
    """Add what LINE says to EXPERIMENT and save it; its comments stay.

    LINE is nodes between |, each fed by the one before it: "conv2d 32 3 relu same | maxpool 2", "lstm 64 bi",
    "x2: dense 64", "add +x2" with x2 as one more input, "share conv1", "model encoder". Without --after,
    --before and --between it goes behind the only output of the model.
    """
    from kflab import catalog
    from kflab.commands import arguments
    from kflab.quick_add import understand
    from kflab.quick_add.chains import add_chain
    from kflab.quick_add.ranks import rank_at

    named = arguments.load(experiment)
    path = changing.output_path(output, named.path)
    graph = changing.graph_of(named.experiment, nested, experiment)
    if sum(map(bool, (after, before, between))) > 1:
        raise UnusableInputError("only one of --after, --before and --between can say where it goes")
    place, source = _place(nested, graph, after, before, between, branch=branch)
    offers = catalog.load()
    rank = rank_at(offers, graph, source) if source else None
    understood = understand(line, offers, named.experiment, nested, rank=rank)
    _check(understood)
    added = add_chain(named.experiment, nested, understood.segments, place)
    changing.save(added.edited.experiment, named, path)
    _tell(added, nested, str(path), as_json=as_json)


def _place(
    nested: str,
    graph: Graph,
    after: tuple[str, ...],
    before: str,
    between: tuple[str, str] | None,
    *,
    branch: bool,
) -> tuple[Place, str]:
    """What puts the first node where it is wanted, and the node that feeds it."""
    from kflab.graph import edits
    from kflab.graph.nodes import source_of
    from kflab.graph.references import slots

    for name in (*after, before, *(between or ())):
        if name:
            changing.check_node(graph, name)
    if before:
        source = next(iter(graph.nodes[before].sources()), "")
        return lambda now, target, name: edits.add_before(now, nested, before, target, name), source
    if between:
        source, fed = between
        slot = next((slot for slot, used in slots(graph.nodes[fed]) if source_of(used) == source), None)
        if slot is None:
            raise UnusableInputError(f"{source!r} does not feed {fed!r}")
        return lambda now, target, name: edits.add_between(now, nested, fed, slot, target, name), source
    if len(after) > 1:
        return lambda now, target, name: edits.add_merge(now, nested, after, target, name), after[0]
    source = after[0] if after else changing.end_of(graph, "--after NODE")
    if branch and source:
        return lambda now, target, name: edits.add_branch(now, nested, source, target, name), source
    return lambda now, target, name: edits.add_after(now, nested, source, target, name), source


def _check(understood: Understood) -> None:
    """Refuses a line that was not understood, or leaves out what its nodes can not do without."""
    changing.check_understood(understood)
    for segment in understood.segments:
        for name in segment.missing:
            changing.refuse_missing(segment, name)


def _tell(added: Added, nested: str, file: str, *, as_json: bool) -> None:
    from kflab.commands.output import table
    from kflab.quick_add.canonical import canonical

    nodes = added.edited.experiment.graph(nested).nodes
    said = {name: canonical(nodes[name].target, call=nodes[name].call) for name in added.nodes}
    if as_json:
        shown = [{"name": name, "calls": said[name], "inputs": nodes[name].inputs} for name in added.nodes]
        print_json({"file": file, "nodes": shown})
        return
    rows = [
        (name, said[name], f"from {', '.join(nodes[name].references()) or 'nothing'}") for name in added.nodes
    ]
    click.echo("\n".join((*table(rows), f"{added.edited.name}: {file}")))
