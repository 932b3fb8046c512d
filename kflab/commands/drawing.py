"""`kflab graph`: the graph of an experiment as text, or as a drawing in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands import arguments
from kflab.commands.inspecting import FAILED, has_errors, report_on, set_option
from kflab.commands.output import json_option, print_json, wide
from kflab.errors import UnusableInputError

if TYPE_CHECKING:
    from kflab.tui.graph_view import GraphView
    from kflab.tui.session import Session

LEAST_WIDTH = 40


@click.command()
@click.argument("experiment")
@click.option("--model", "nested", default="", metavar="NAME", help="A nested model instead of the main one.")
@click.option("--fold", is_flag=True, help="Show repeated blocks in one row each.")
@click.option("--open", "opened", is_flag=True, help="Show nested models where they are called.")
@click.option("--ascii", "plain", is_flag=True, help="Draw with plain ASCII.")
@click.option(
    "--width", type=click.IntRange(LEAST_WIDTH, 400), help="Columns; those of the terminal, or 160."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Draw into a .svg file instead."
)
@click.option(
    "--no-shapes", is_flag=True, help="Leave out shapes and parameters: needs no Keras, so it is fast."
)
@set_option
@json_option
def graph(
    experiment: str,
    nested: str,
    assignments: tuple[str, ...],
    width: int | None,
    output: Path | None,
    *,
    fold: bool,
    opened: bool,
    plain: bool,
    no_shapes: bool,
    as_json: bool,
) -> int:
    """Draw EXPERIMENT's graph, each node with layer, shape and parameters; exits 1 on errors in the graph."""
    if output is not None and output.suffix.lower() != ".svg":
        raise UnusableInputError(f"expected the name of a .svg file, got {output.name!r}")
    session = _session(arguments.load(experiment, assignments), nested, experiment, no_shapes=no_shapes)
    session = _folded(session, fold=fold, opened=opened)
    # What is wrong with data or training is no matter of the picture.
    findings = tuple(finding for finding in session.findings if not finding.path)
    if output is not None:
        _draw(session, output)
        if as_json:
            print_json({"file": str(output), "rows": len(session.picture.lines)})
        else:
            click.echo(f"{output}: {len(session.picture.lines)} boxes")
    elif as_json:
        print_json(
            [
                {
                    "name": line.key,
                    "lane": line.column // 2,
                    "rails": line.rails,
                    "nodes": list(line.fold.nodes if line.fold else (line.node,)),
                }
                for line in session.picture.lines
            ]
        )
    else:
        click.echo(_text(session, width or wide(), plain=plain))
    return FAILED if has_errors(findings) else 0


def _session(named: arguments.Named, nested: str, file: str, *, no_shapes: bool) -> Session:
    """The session that the lab would draw the same graph from."""
    from kflab.graph.history import History
    from kflab.tui.session import Session

    if nested and nested not in named.experiment.models:
        known = ", ".join(named.experiment.models) or "none"
        raise UnusableInputError(f"there is no nested model {nested!r}; there is {known}", file=file)
    session = Session(history=History(named.experiment), trail=(nested,) if nested else ())
    if no_shapes:
        return session
    report, findings = report_on(named)
    return session.told(report, named.experiment).situated(None, findings)


def _folded(session: Session, *, fold: bool, opened: bool) -> Session:
    from kflab.graph.folding import Folding, all_calls

    calls = frozenset(all_calls(session.graph, session.experiment.models)) if opened else frozenset()
    return session.folded_to(Folding(folded=fold, opened=calls))


def _view(session: Session) -> GraphView:
    from kflab.tui.graph_view import view_of

    return view_of(session, with_selection=False)


def _text(session: Session, width: int, *, plain: bool) -> str:
    from kflab import catalog
    from kflab.tui.graph_columns import GraphTexts
    from kflab.tui.text import plural, to_ascii

    texts = GraphTexts(catalog.load())
    texts.show(_view(session), width)
    rows = ["".join(piece.text for piece in texts.row(row)).rstrip() for row in range(len(texts.cells))]
    total = plural(len(session.graph.nodes), "node")
    if session.report is not None:
        total += f", {session.graph_report.totals.total:,} parameters"
    # What had no room beside its node is said below.
    said = "\n".join(rows)
    notes = [
        f"{node}: {note}" for node, note in session.notes().items() if not (node in said and note in said)
    ]
    lines = [*rows, total, *notes]
    return "\n".join(map(to_ascii, lines) if plain else lines)


def _draw(session: Session, output: Path) -> None:
    from kflab import catalog
    from kflab.graph.svg import svg
    from kflab.tui.graph_boxes import boxes_of, title_of

    view = _view(session)
    try:
        output.write_text(svg(title_of(view), boxes_of(view, catalog.load())), encoding="utf-8")
    except OSError as error:
        raise UnusableInputError(f"it can not be written: {error.strerror}", file=str(output)) from error
