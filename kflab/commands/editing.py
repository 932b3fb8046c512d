"""`kflab edit`: what the lab's keys do to a graph, without the lab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands import changing
from kflab.commands.output import json_option, print_json

if TYPE_CHECKING:
    from kflab.commands.arguments import Named
    from kflab.experiment import Experiment
    from kflab.graph.edits import Tensors


class _WithOperations(click.Command):
    """A command whose help lists the operations."""

    def format_epilog(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List them as the table has them."""
        from kflab.commands.graph_operations import OPERATIONS
        from kflab.commands.operations import usage

        with formatter.section("Operations"):
            formatter.write_dl(
                [(usage(name, operation), operation.help) for name, operation in OPERATIONS.items()]
            )


@click.command(
    cls=_WithOperations,
    # Options of operations stay among their words, where they stand.
    context_settings={"ignore_unknown_options": True},
)
@click.argument("experiment")
@click.argument("words", nargs=-1, required=True, metavar="OPERATION [WORD]...", type=click.UNPROCESSED)
@changing.model_option
@changing.output_option
@json_option
def edit(experiment: str, words: tuple[str, ...], nested: str, output: Path | None, *, as_json: bool) -> None:
    """Edit the model of EXPERIMENT and save it; its comments stay.

    Several operations follow each other with --then between them: "delete bn --then set conv filters=16". If
    one of them is refused, nothing is done.
    """
    from kflab import clipboard, presets
    from kflab.commands import arguments
    from kflab.commands.graph_operations import OPERATIONS
    from kflab.commands.operations import Editing, requests
    from kflab.document.files import state_of

    asked = requests(words, OPERATIONS)
    state = state_of(presets.find(experiment))
    named = arguments.load(experiment)
    is_written = output is not None or any(request.operation.changes for request in asked)
    path = changing.output_path(output, named.path) if is_written else named.path
    changing.graph_of(named.experiment, nested, experiment)

    def tensors(now: Experiment, graph: str) -> Tensors:
        return _tensors(named._replace(experiment=now), graph)

    editing = Editing(experiment=named.experiment, graph=nested, tensors=tensors)
    for request in asked:
        editing = request.do(editing)
    if editing.clip is not None:
        # First, so that what was cut is never gone from the file and not to be pasted.
        clipboard.keep(editing.clip)
    if is_written:
        changing.save(editing.experiment, named, path, expecting=None if output else state)
    if as_json:
        print_json({"file": str(path), "done": editing.done, "selected": editing.selected or None})
    else:
        click.echo("\n".join(f"{path}: {done}" for done in editing.done))


def _tensors(named: Named, graph: str) -> Tensors:
    """The shapes of what the nodes of a graph give, from the engine."""
    from kflab.commands.inspecting import report_on

    report, _ = report_on(named)
    return (report.models[graph] if graph else report.model).tensors()
