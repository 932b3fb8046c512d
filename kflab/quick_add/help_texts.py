"""Keras' own words on a layer or an argument, with what an argument takes and its default."""

from __future__ import annotations

from kflab.catalog import Argument, Entry
from kflab.catalog.check import expected
from kflab.catalog.text import format_value
from kflab.quick_add.understood import Help


def entry_text(entry: Entry) -> str:
    """All that Keras says of a layer or an operation."""
    return f"{entry.summary}\n\n{entry.text}".strip()


def entry_help(entry: Entry) -> Help:
    """Help on a layer or an operation."""
    return Help(entry.name, entry_text(entry))


def argument_help(argument: Argument) -> Help:
    """Help on an argument."""
    return Help(argument.name, about(argument))


def about(argument: Argument) -> str:
    """Keras' words on an argument, what it takes and its default."""
    default = "needed" if argument.required else f"default {format_value(argument.default)}"
    facts = f"{expected(argument)} · {default}"
    return f"{argument.help}\n{facts}" if argument.help else facts
