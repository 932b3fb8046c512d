"""`kflab code`: an experiment as Keras code."""

from __future__ import annotations

from pathlib import Path

import click

from kflab.commands import arguments
from kflab.commands.inspecting import FAILED, has_errors, report_on, set_option
from kflab.commands.output import finding_lines
from kflab.errors import UnusableInputError

NOTEBOOK = ".ipynb"
"""The ending of the files that notebooks are kept in."""


@click.command()
@click.argument("experiment")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write this file instead."
)
@click.option("--notebook", is_flag=True, help="A Jupyter notebook instead of a script.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@set_option
def code(
    experiment: str, output: Path | None, assignments: tuple[str, ...], *, notebook: bool, force: bool
) -> int:
    """Print EXPERIMENT as a Keras script that runs without kflab; exits 1 when it cannot be built.

    Relative paths in it start from the folder of the FILE, or from the current one.
    """
    import kflab.code
    from kflab.code.scripts import is_about_training
    from kflab.document.files import replace

    notebook = notebook or (output is not None and output.suffix == NOTEBOOK)
    if output is not None and output.exists() and not force:
        raise UnusableInputError("is there already; --force overwrites it", file=str(output))
    named = arguments.load(experiment, assignments)
    report, findings = report_on(named)
    # A model alone has code, too: whoever brought one in may want nothing else.
    findings = tuple(finding for finding in findings if not is_about_training(named.experiment, finding))
    if has_errors(findings):
        click.echo("\n".join(finding_lines(experiment, findings)), err=True)
        return FAILED
    if named.experiment.data.source and named.experiment.training.loss:
        from kflab.data.sources import study

        # All rows of a table tell what its columns hold.
        study(named.experiment.data, named.base)
    write = kflab.code.notebook if notebook else kflab.code.script
    folder = output.resolve().parent if output is not None else Path.cwd()
    text = write(named.experiment, named.base, report=report, folder=folder)
    if output is None:
        click.echo(text, nl=False)
        return 0
    try:
        replace(output, text.encode())
    except OSError as error:
        raise UnusableInputError(f"can not be written: {error.strerror}", file=str(output)) from None
    return 0
