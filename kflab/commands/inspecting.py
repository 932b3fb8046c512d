"""`kflab summary`, and the report that other commands look at: what an experiment is, without training it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kflab.commands import arguments
from kflab.commands.choosing import use_backend_option
from kflab.commands.output import finding_lines, json_option, print_json
from kflab.errors import UnusableInputError

if TYPE_CHECKING:
    from kflab.diagnose.findings import Finding
    from kflab.engine.protocol import GraphReport, Report
    from kflab.experiment import Experiment

FAILED = 1

set_option = click.option(
    "--set", "assignments", multiple=True, metavar="PATH=VALUE", help="Change a setting: training.epochs=3."
)


def report_on(named: arguments.Named) -> tuple[Report, tuple[Finding, ...]]:
    """The engine's report on an experiment and all findings."""
    from kflab import paths
    from kflab.catalog.datasets import describe
    from kflab.commands.native import native_output_to
    from kflab.data.sources import study
    from kflab.diagnose.check import check as diagnose

    study(named.experiment.data, named.base, look=True)
    info = describe(named.experiment.data, named.base) if named.experiment.data.source else None
    with native_output_to(paths.state_dir() / "engine.log"):
        from kflab.engine.inspect import Inspector

        report = Inspector().inspect(named.experiment)
    return report, diagnose(named.experiment, info, report, named.base)


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Whether there is an error among findings."""
    from kflab.diagnose.findings import Severity

    return any(finding.severity is Severity.ERROR for finding in findings)


@click.command()
@click.argument("experiment")
@click.option("--model", "nested", default="", metavar="NAME", help="A nested model instead of the main one.")
@click.option("--width", default=80, show_default=True, type=click.IntRange(40, 400), help="Columns.")
@set_option
@use_backend_option
@json_option
def summary(experiment: str, nested: str, width: int, assignments: tuple[str, ...], *, as_json: bool) -> int:
    """Print the Keras summary of EXPERIMENT's model; nothing is allocated."""
    from kflab import paths
    from kflab.commands.native import native_output_to

    named = arguments.load(experiment, assignments)
    models = named.experiment.models
    if nested and nested not in models:
        raise UnusableInputError(
            f"there is no nested model {nested!r}; there is {', '.join(models) or 'none'}", file=experiment
        )
    report, findings = report_on(named)
    graph = report.models[nested] if nested else report.model
    if as_json:
        print_json(_summary(named.experiment, graph, nested))
    else:
        with native_output_to(paths.state_dir() / "engine.log"):
            from kflab.engine.build import BuildError
            from kflab.engine.summary import summary_text

            try:
                text = summary_text(named.experiment, width, nested)
            except BuildError as error:
                findings, text = error.findings, ""
        click.echo(text or "\n".join(finding_lines(experiment, findings)))
    return FAILED if any(not node.outputs for node in graph.nodes.values()) else 0


def _summary(experiment: Experiment, graph: GraphReport, nested: str) -> dict[str, object]:
    totals = graph.totals
    return {
        "model": experiment.graph(nested).name,
        "params": {
            "total": totals.total,
            "trainable": totals.trainable,
            "non_trainable": totals.non_trainable,
        },
        "layers": [
            {
                "name": name,
                "layer": node.layer,
                "output_shape": _shapes([output.shape for output in node.outputs]),
                "params": node.params,
                "inputs": node.inputs,
            }
            for name, node in graph.nodes.items()
        ],
    }


def _shapes(shapes: list[tuple[int | None, ...]]) -> object:
    """One shape as a list, several as a list of lists, none as null."""
    return shapes[0] if len(shapes) == 1 else shapes or None
