"""`kflab list`: what there is to choose from."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from kflab.commands.output import json_option, print_json, table, wide
from kflab.errors import UnusableInputError

if TYPE_CHECKING:
    from kflab.catalog import Argument, Entry, Kind

PRESETS, DATASETS, RULES = "presets", "datasets", "rules"
KINDS = {
    "layers": "layer",
    "ops": "op",
    "optimizers": "optimizer",
    "losses": "loss",
    "metrics": "metric",
    "callbacks": "callback",
    "schedules": "schedule",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "constraints": "constraint",
    "activations": "activation",
}


@click.command("list")
@click.argument("what", type=click.Choice([PRESETS, DATASETS, RULES, *KINDS]))
@click.argument("name", required=False)
@json_option
def list_offers(what: str, name: str | None, *, as_json: bool) -> None:
    """List presets, datasets, layers, optimizers...; with NAME, tell all about one of them."""
    if what == PRESETS:
        _presets(name, as_json=as_json)
    elif what == DATASETS:
        _datasets(name, as_json=as_json)
    elif what == RULES:
        _rules(name, as_json=as_json)
    else:
        from kflab.catalog import Kind

        _entries(Kind(KINDS[what]), name, as_json=as_json)


def _rules(name: str | None, *, as_json: bool) -> None:
    from kflab.commands.explaining import find, print_rule, print_rules

    if name is None:
        print_rules(as_json=as_json)
    else:
        for rule in find(name):
            print_rule(rule, as_json=as_json)


def _presets(name: str | None, *, as_json: bool) -> None:
    from kflab import document, presets

    if name is not None:
        path = presets.path(name)
        experiment = document.read(path)
        if as_json:
            print_json({"name": name, "path": str(path), "document": document.encode(experiment)})
        else:
            click.echo(document.text_of(path), nl=False)
        return
    found = [(preset, document.read(presets.path(preset))) for preset in presets.names()]
    if as_json:
        print_json(
            [
                {
                    "name": preset,
                    "title": one.title,
                    "data": one.data.source,
                    "notes": one.notes,
                    "result": one.result,
                }
                for preset, one in found
            ]
        )
        return
    rows = [(preset, one.data.source, one.title) for preset, one in found]
    click.echo("\n".join(table([("PRESET", "DATA", "TITLE"), *rows])))


def _datasets(name: str | None, *, as_json: bool) -> None:
    from kflab.catalog.datasets import describe, names
    from kflab.catalog.matching import shape_text
    from kflab.experiment import Data

    if name is not None:
        from kflab.data.sources import study

        study(Data(source=name), look=True)
        info = describe(Data(source=name))
        if as_json:
            print_json(info)
            return
        click.echo(f"{info.name}: {info.summary}\n")
        rows = [("input", array.name, shape_text(array.shape), array.dtype) for array in info.inputs]
        rows += [("column", array.name, shape_text(array.shape), array.dtype) for array in info.columns]
        for target in info.targets:
            kind = f"{target.kind}, {target.classes} classes" if target.classes else str(target.kind)
            rows.append(("target", target.name, shape_text(target.shape), f"{target.dtype}, {kind}"))
        rows.append(
            (
                "samples",
                f"{info.train:,} training",
                f"{info.test:,} test" if info.test else "",
                str(info.origin),
            )
        )
        click.echo("\n".join(table(rows)))
        _print_arguments(info.arguments)
        return
    infos = [describe(Data(source=one)) for one in names()]
    if as_json:
        print_json(infos)
        return
    rows = [("DATASET", "FROM", "SAMPLES", "SUMMARY")]
    rows += [(info.name, str(info.origin), f"{info.train + info.test:,}", info.summary) for info in infos]
    click.echo("\n".join(table(rows, right=(2,))))


def _entries(kind: Kind, name: str | None, *, as_json: bool) -> None:
    from kflab import catalog

    offers = catalog.load()
    if name is not None:
        try:
            entry = offers.get(kind, name)
        except catalog.UnknownNameError as error:
            raise UnusableInputError(str(error)) from None
        if as_json:
            print_json(entry)
        else:
            _print_entry(entry)
        return
    if as_json:
        print_json([{"name": e.name, "group": e.group, "summary": e.summary} for e in offers.entries(kind)])
        return
    width = wide()
    column = max(len(entry.name) for entry in offers.entries(kind)) + 2
    for group, entries in offers.groups(kind).items():
        if group:
            click.echo(click.style(group, bold=True))
        for entry in entries:
            click.echo(
                f"  {entry.name:<{column}}{textwrap.shorten(entry.summary, max(width - column - 2, 20))}"
            )


def _print_entry(entry: Entry) -> None:
    aliases = f" (also {', '.join(entry.aliases)})" if entry.aliases else ""
    click.echo(f"{entry.name}{aliases}: {entry.kind}{f', {entry.group}' if entry.group else ''}\n")
    click.echo(entry.summary)
    if entry.tensors:
        named = [(f"[{t.name}, ...]" if t.many else t.name, t.required) for t in entry.tensors]
        called = ", ".join(name if required else f"{name} (optional)" for name, required in named)
        click.echo(f"\nCalled with: {called}")
    _print_arguments(entry.arguments)
    _print_arguments(entry.call, "Arguments of the call")
    if entry.text:
        click.echo(f"\n{entry.text}")


def _print_arguments(arguments: tuple[Argument, ...], title: str = "Arguments") -> None:
    if not arguments:
        return
    from kflab.catalog.text import format_value

    click.echo(f"\n{title}:")
    for argument in arguments:
        default = "required" if argument.required else f"default {format_value(argument.default)}"
        kind = _kind_text(argument)
        click.echo(f"  {argument.name}: {kind}, {default}")
        if argument.help:
            click.echo(
                textwrap.fill(argument.help, wide(), initial_indent="      ", subsequent_indent="      ")
            )


def _kind_text(argument: Argument) -> str:
    """What an argument takes, in a few words."""
    from kflab.catalog import ArgumentKind

    choices = ", ".join(argument.choices)
    if argument.kind in {ArgumentKind.TEXT, ArgumentKind.ANY} and choices:
        return f"{argument.kind} such as {choices}"
    return f"one of {choices}" if choices else str(argument.kind)
