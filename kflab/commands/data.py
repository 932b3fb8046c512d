"""`kflab data`: what is in a dataset, before anything is modelled."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands.inspecting import set_option
from kflab.commands.output import json_option, print_json, wide
from kflab.errors import KflabError, UnusableInputError

if TYPE_CHECKING:
    from kflab.catalog.looks import Asked, Look
    from kflab.experiment import Experiment
    from kflab.pictures.graphics import Graphics
    from kflab.pictures.style import Style

_IMAGES = ("auto", "blocks", "kitty", "sixel", "none")
_SIDE, _SIDE_OF_GRAPHICS = 64, 256


@click.command()
@click.argument("source")
@set_option
@click.option(
    "--samples", "count", default=8, show_default=True, type=click.IntRange(0, 1000), help="Samples."
)
@click.option("--class", "label", default="", metavar="LABEL", help="Samples of this class alone.")
@click.option("--augmented", is_flag=True, help="Show what augmentation makes of images, too.")
@click.option("--seed", type=click.IntRange(0), help="What samples and splits are drawn by.")
@click.option("--width", type=click.IntRange(40, 400), help="Columns; those of the terminal, or 160.")
@click.option(
    "--images", default="auto", type=click.Choice(_IMAGES), show_default=True, help="How images are drawn."
)
@click.option("--ascii", "plain", is_flag=True, help="Draw with plain ASCII.")
@json_option
def data(
    source: str,
    assignments: tuple[str, ...],
    count: int,
    label: str,
    seed: int | None,
    width: int | None,
    images: str,
    *,
    augmented: bool,
    plain: bool,
    as_json: bool,
) -> int:
    """Look at SOURCE: a dataset's name, a file or folder, a preset or an experiment.

    Tells shapes, ranges, missing values, classes and how values are distributed, and draws some samples.
    Nothing is downloaded.
    """
    from kflab.catalog.looks import ask
    from kflab.pictures.graphics import Graphics
    from kflab.pictures.palette import depth_of
    from kflab.pictures.style import Style

    experiment, base = _experiment(source, assignments)
    graphics = _graphics(images, as_json=as_json, plain=plain)
    side = _SIDE_OF_GRAPHICS if graphics in (Graphics.KITTY, Graphics.SIXEL) else _SIDE
    asked = ask(experiment, str(base), seed=seed, samples=count, label=label, side=side, augmented=augmented)
    found = _look(asked)
    if found.error:
        raise (UnusableInputError if found.missing or found.unusable else KflabError)(found.error)
    if as_json:
        print_json(found)
        return 0
    depth = depth_of(os.environ, is_terminal=sys.stdout.isatty())
    _print(found, Style(width or wide(), depth, plain), graphics)
    return 0


def _experiment(source: str, assignments: tuple[str, ...]) -> tuple[Experiment, Path]:
    """The experiment that a source stands for, and the folder that its paths start from."""
    from kflab import presets
    from kflab.catalog import datasets
    from kflab.commands import arguments
    from kflab.document.assign import assign
    from kflab.experiment import Data, Experiment
    from kflab.graph.nodes import Graph, Layer, Node

    given = Path(source).expanduser()
    if given.suffix in {".yaml", ".yml"} or (source in presets.names() and datasets.find(source) is None):
        named = arguments.load(source, assignments)
        return named.experiment, named.base
    if datasets.find(source) is None and not given.exists() and len(given.parts) == 1 and not given.suffix:
        known = (*datasets.names(), *presets.names())
        from kflab.errors import did_you_mean

        raise UnusableInputError(
            f"no dataset, preset, file or folder is called {source!r}{did_you_mean(source, known)}; "
            "`kflab list datasets` shows the datasets"
        )
    # A document needs a model; what is looked at does not depend on it.
    model = Graph(nodes={"input": Node(Layer("Input", {"shape": [None]}))}, outputs=("input",))
    where = source if datasets.find(source) is not None else str(given)
    experiment = Experiment(model=model, data=Data(source=where))
    return assign(experiment, assignments) if assignments else experiment, Path.cwd()


def _graphics(images: str, *, as_json: bool, plain: bool) -> Graphics:
    from kflab.pictures.asking import graphics_of_terminal
    from kflab.pictures.graphics import Graphics

    if as_json or plain:
        return Graphics.BLOCKS if images == "auto" else Graphics(images)
    return graphics_of_terminal(os.environ) if images == "auto" else Graphics(images)


def _look(asked: Asked) -> Look:
    from kflab import paths
    from kflab.commands.native import native_output_to

    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # a look must not take a device from a run
    with native_output_to(paths.state_dir() / "data.log"):
        from kflab.data.looking import look

        return look(asked)


def _print(found: Look, style: Style, graphics: Graphics) -> None:
    from kflab.catalog.looks import Picture
    from kflab.pictures import placing, samples
    from kflab.pictures.ansi import to_text
    from kflab.pictures.cells import Tone, said
    from kflab.pictures.dots import scatter
    from kflab.pictures.graphics import Graphics
    from kflab.pictures.overview import overview

    assert found.profile is not None
    lines = overview(found.profile, style)
    if found.points is not None and found.samples:
        drawn = scatter(found.points, min(60, style.width), 24, style.depth, plain=style.plain)
        lines += [(), said("points", Tone.TITLE), *drawn]
    if found.samples and graphics is not Graphics.NONE:
        whole = "training samples" if found.profile.train else "rows that were looked at"
        lines += [(), said(f"{len(found.samples):,} of {found.of:,} {whole}", Tone.TITLE)]
    shown = [one for sample in found.samples for one in sample.inputs.values()]
    are_images = bool(shown) and all(isinstance(one, Picture) for one in shown)
    if are_images and graphics in (Graphics.KITTY, Graphics.SIXEL):
        click.echo(to_text([*lines, ()], style.depth))
        from kflab.pictures.asking import cell_size

        click.echo(placing.tiles(found.samples, style, graphics, cell_size()), nl=False, color=True)
        return
    if shown and graphics is not Graphics.NONE:
        lines += samples.draw(found.samples, style)
    text = to_text(lines, style.depth)
    if style.plain:
        from kflab.tui.text import to_ascii

        text = to_ascii(text)
    click.echo(text)
