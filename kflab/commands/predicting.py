"""`kflab predict`: what the model of a run says of samples."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands.choosing import use_backend_option, use_device_option
from kflab.commands.output import json_option, print_json, wide
from kflab.commands.runs import runs_dir_option
from kflab.errors import KflabError, UnusableInputError, did_you_mean

if TYPE_CHECKING:
    from kflab.predict.asking import Asked
    from kflab.predict.results import OutputResult, Predictions, SampleResult, Split, Which


@click.command()
@click.argument("run")
@click.argument("source", required=False)
@click.option(
    "--split",
    default="test",
    show_default=True,
    type=click.Choice(["test", "validation", "train"]),
    help="Of the run's data.",
)
@click.option(
    "--model",
    type=click.Choice(["final", "best"]),
    help="final, which the run's test figures are of, or best.",
)
@click.option("--output", default="", metavar="NAME", help="Only this output of the model.")
@click.option("--samples", "most", type=click.IntRange(1), help="Predict so many at most; 10,000.")
@click.option(
    "--limit", default=10, show_default=True, type=click.IntRange(0), help="Samples that are shown."
)
@click.option("--wrong", is_flag=True, help="Show samples that are wrong, or off the most.")
@click.option("--class", "label", default="", metavar="LABEL", help="Show samples of this class.")
@click.option("--cell", nargs=2, metavar="TRUE PREDICTED", help="Show samples of TRUE taken for PREDICTED.")
@click.option("--matrix", "matrix_only", is_flag=True, help="Show the confusion matrix alone.")
@click.option(
    "--csv",
    "csv_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a row for each sample shown.",
)
@click.option("--ascii", "plain", is_flag=True, help="Draw with plain ASCII.")
@use_backend_option
@use_device_option
@runs_dir_option
@json_option
def predict(
    run: str,
    source: str | None,
    split: Split,
    model: Which | None,
    output: str,
    most: int | None,
    limit: int,
    label: str,
    cell: tuple[str, str] | None,
    csv_path: Path | None,
    runs_dir: Path | None,
    *,
    wrong: bool,
    matrix_only: bool,
    plain: bool,
    as_json: bool,
) -> int:
    """Predict with the model of RUN, on its test split or on SOURCE.

    RUN is a run's name, the start or end of one, or `last`. SOURCE is a file or folder as `data.source` takes
    it, or an image; it is prepared as the run's own data was. Probabilities come as bars, classes as a
    confusion matrix, values against the true ones.
    """
    from kflab import paths
    from kflab.predict.asking import Asked
    from kflab.predict.results import IN_A_CELL, MOST_SAMPLES
    from kflab.runs.listing import find_run

    run_dir = find_run(run, runs_dir or paths.runs_dir())
    asked = Asked(
        str(run_dir),
        split,
        str(Path(source).expanduser().resolve()) if source else "",
        model,
        most or MOST_SAMPLES,
        max(IN_A_CELL, limit),
    )
    found = _answer(asked)
    outputs = _outputs(found, output)
    rows = chosen(found, outputs, label=label, cell=cell, wrong=wrong)
    if csv_path is not None:
        _write_csv(csv_path, rows, outputs)
    if as_json:
        from msgspec.structs import replace

        print_json(replace(found, outputs=tuple(outputs), rows=tuple(rows[:limit] if limit else rows)))
        return 0
    _print(found, outputs, rows, limit, plain=plain, matrix_only=matrix_only, picks=bool(label or cell))
    return 0


def _answer(asked: Asked) -> Predictions:
    from kflab import paths
    from kflab.commands.native import native_output_to
    from kflab.predict.answering import try_answer
    from kflab.predict.asking import LOG, known

    if (kept := known(asked)) is not None:
        return kept
    log = paths.state_dir() / LOG
    with native_output_to(log, beside_runs=False):
        answer = try_answer(asked)
    if answer.predictions is None:
        raise (UnusableInputError if answer.exit_code == UnusableInputError.exit_code else KflabError)(
            answer.error
        )
    return answer.predictions


def _outputs(found: Predictions, name: str) -> list[OutputResult]:
    if not name:
        return list(found.outputs)
    output = found.output(name)
    if output is None:
        names = [each.name for each in found.outputs]
        raise UnusableInputError(
            f"the model has no output {name!r}{did_you_mean(name, names)}; it has {', '.join(names)}"
        )
    return [output]


def chosen(
    found: Predictions,
    outputs: Sequence[OutputResult],
    *,
    label: str = "",
    cell: tuple[str, str] | None = None,
    wrong: bool = False,
) -> list[SampleResult]:
    """The samples that somebody wants to see, in their order; those that are off the most first for `wrong`.

    Args:
        found: what was predicted.
        outputs: the outputs that are looked at; classes are those of the first that has any.
        label: only samples of this class.
        cell: only samples of one class that were taken for another.
        wrong: only samples that are wrong.

    Raises:
        UnusableInputError: there is no such class.
    """
    from kflab.predict.results import Kind

    rows = list(found.rows)
    by_class = next((output for output in outputs if output.kind is Kind.CLASSES), None)
    if label or cell:
        if by_class is None:
            raise UnusableInputError("no output of the model tells classes, so there is none to choose by")
        name = by_class.name
        wanted = [_class(by_class, text) for text in (cell or (label,))]
        rows = [row for row in rows if row.outputs[name].true == wanted[0]]
        if cell:
            rows = [row for row in rows if row.outputs[name].predicted == wanted[1]]
    if wrong and by_class is not None:
        rows = [row for row in rows if row.is_wrong(by_class.name)]
        rows.sort(key=lambda row: -row.outputs[by_class.name].shares[0][1])
    elif wrong:
        rows.sort(key=lambda row: -max((row.outputs[each.name].error or 0.0) for each in outputs))
    return rows


def _class(output: OutputResult, text: str) -> int:
    if text in output.labels:
        return output.labels.index(text)
    if text.isdigit() and int(text) < len(output.labels):
        return int(text)
    raise UnusableInputError(
        f"there is no class {text!r}{did_you_mean(text, output.labels)}; "
        f"there are {', '.join(output.labels[:12])}{'…' if len(output.labels) > 12 else ''}"
    )


def _print(
    found: Predictions,
    outputs: Sequence[OutputResult],
    rows: Sequence[SampleResult],
    limit: int,
    *,
    plain: bool,
    matrix_only: bool,
    picks: bool,
) -> None:
    from msgspec.structs import replace

    from kflab.pictures.ansi import to_text
    from kflab.pictures.cells import Line, Tone, said
    from kflab.pictures.palette import depth_of
    from kflab.pictures.predicted import heading, overview, sample
    from kflab.pictures.style import Style

    style = Style(wide(), depth_of(os.environ, is_terminal=sys.stdout.isatty()), plain)
    lines: list[Line] = []
    if picks:
        lines.append(said(heading(found), Tone.TITLE))
    else:
        only = [replace(each, scores=(), points=()) for each in outputs] if matrix_only else list(outputs)
        lines += overview(replace(found, outputs=tuple(only)), style)
    if not matrix_only:
        narrow = style._replace(width=min(style.width, 90))
        for row in rows[:limit]:
            lines += [(), *sample(row, outputs, narrow)]
        if picks and not rows:
            lines.append(said("there is no such sample", Tone.QUIET))
    text = to_text(lines, style.depth)
    if plain:
        from kflab.tui.text import to_ascii

        text = to_ascii(text)
    click.echo(text, color=True)


def _write_csv(path: Path, rows: Sequence[SampleResult], outputs: Sequence[OutputResult]) -> None:
    import csv

    from kflab.predict.results import Kind

    columns: dict[str, None] = {"sample": None}
    table = []
    for row in rows:
        cells: dict[str, object] = {"sample": row.name or row.index}
        for output in outputs:
            said, name = row.outputs[output.name], output.name
            if output.kind is Kind.CLASSES and said.predicted is not None:
                cells[f"{name}_true"] = "" if said.true is None else output.labels[said.true]
                cells[f"{name}_predicted"] = output.labels[said.predicted]
            cells |= {f"{name}_p_{output.labels[number]}": share for number, share in said.shares}
            cells |= {f"{name}_true_{at}": value for at, value in enumerate(said.true_values)}
            cells |= {f"{name}_predicted_{at}": value for at, value in enumerate(said.values)}
            if said.error is not None:
                cells[f"{name}_error"] = said.error
        columns |= dict.fromkeys(cells)
        table.append(cells)
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(columns), restval="")
            writer.writeheader()
            writer.writerows(table)
    except OSError as error:
        raise KflabError(f"{path} can not be written: {error.strerror}") from error
