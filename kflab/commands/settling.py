"""`kflab settings`: what holds for every experiment on this machine, to see and to change."""

from __future__ import annotations

import click

from kflab.commands.output import json_option, print_json, table
from kflab.errors import KflabError, UnusableInputError


@click.command()
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE]...")
@json_option
def settings(assignments: tuple[str, ...], *, as_json: bool) -> int:
    """Print the settings of this machine, or change them: backend=jax device=gpu:1.

    `NAME=` alone brings a default back. An option of a command comes before them, and so do KERAS_BACKEND and
    KFLAB_DEVICE. A backend that is not installed is refused.
    """
    from kflab.settings import settings_file

    changes = dict(map(_assignment, assignments))
    if changes:
        _change(changes)
    facts = _facts()
    if as_json:
        print_json({"file": str(settings_file()), "settings": {name: value for name, value, _ in facts}})
        return 0
    click.echo("\n".join(table([(name, _shown(value), by) for name, value, by in facts])))
    click.echo(f"kept in {settings_file()}")
    return 0


def _assignment(text: str) -> tuple[str, object]:
    """The name and the value of `NAME=VALUE`, read as in the file; None for what goes back to its default.

    Raises:
        UnusableInputError: it is something else.
    """
    from kflab.document import yaml_text

    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise UnusableInputError(f"expected NAME=VALUE, such as backend=jax, got {text!r}")
    plain = yaml_text.parse(f"value: {value}").value["value"] if value.strip() else None
    return name.strip(), plain


def _change(changes: dict[str, object]) -> None:
    from typing import cast

    from kflab.runs.backends import require
    from kflab.settings import change_settings
    from kflab.values import Value

    if isinstance(backend := changes.get("backend"), str):
        require(backend, place="backend")
    try:
        change_settings(cast("dict[str, Value]", changes))
    except OSError as error:
        raise KflabError(f"the settings can not be written: {error.strerror or error}") from error


def _facts() -> list[tuple[str, object, str]]:
    """The settings that hold, each with who says so where it is not the default."""
    import msgspec

    from kflab.settings import NAMES, Settings, chosen_backend, chosen_device, read_settings, settings_file

    written, usual = msgspec.structs.asdict(read_settings()), msgspec.structs.asdict(Settings())
    chosen = {"backend": chosen_backend(), "device": chosen_device()}
    facts = []
    for name in NAMES:
        held, by = written[name], "" if written[name] == usual[name] else "set"
        if name in chosen:
            held, by = chosen[name]
            by = "set" if by == str(settings_file()) else by and f"by {by}"
        facts.append((name, held, by))
    return facts


def _shown(value: object) -> str:
    """A value as the file writes it; an empty text in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value != "" else "a free GPU, or else the CPU"
