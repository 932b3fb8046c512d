"""What a person does in the lab, in keys alone: finds, marks and adds nodes, and changes the setup."""

from __future__ import annotations

import functools
import re

from .pseudo_terminal import PseudoTerminal


class Keyboard:
    """The keys of one lab on a terminal."""

    def __init__(self, terminal: PseudoTerminal) -> None:
        self.terminal = terminal

    def new(self, dataset: str) -> None:
        """Starts an experiment on a dataset."""
        self.terminal.press("n")
        self.terminal.wait_for("New experiment on")
        self.answer(dataset, r"New experiment on")
        self.terminal.wait_for(rf"new_{dataset}")

    def add(self, line: str, key: str = "a", after: str = "") -> None:
        """Adds nodes by a typed line: after the selected one, or as another key does."""
        if after:
            self.go_to(after)
        self.terminal.press(key)
        self.terminal.wait_for(r"layer, operation or several")
        self.answer(line, r"enter add")

    def go_to(self, node: str) -> None:
        """Goes to a node by typing its name."""
        self.terminal.press("1", "/")
        self.terminal.wait_for("Find a node")
        self.answer(node, "Find a node")
        self.terminal.wait_for(rf"╮╭─ {re.escape(node)} · ")

    def mark(self, *nodes: str) -> None:
        """Marks nodes, in this order."""
        for node in nodes:
            self.go_to(node)
            self.terminal.press("space")
            self.terminal.wait_for(rf"■{re.escape(node)} ")

    def rename(self, node: str, new: str) -> None:
        """Gives a node another name."""
        self.go_to(node)
        self.terminal.press("r")
        self.terminal.wait_for(f"Rename {node}")
        self.terminal.press("ctrl+u")
        self.answer(new, f"Rename {node}")
        self.terminal.wait_for(rf"╮╭─ {re.escape(new)} · ")

    def group(self, model: str, *nodes: str) -> None:
        """Makes nodes a nested model, once their shapes are known."""
        self.mark(*nodes)
        self.terminal.press("E")
        self.terminal.wait_for("into a nested model")
        self.terminal.press("ctrl+u")
        self.answer(model, "into a nested model")
        self.terminal.wait_for(rf"╮╭─ {re.escape(model)} · ")

    def set_up(self, row: str, value: str) -> None:
        """Types a value into a row of the setup, or chooses it there."""
        self._find_row(row)
        self.terminal.press("enter")
        self.terminal.press("ctrl+u")
        self.terminal.type(value)
        self.terminal.press("enter")
        self.terminal.wait_for(rf"{re.escape(row[:5])}.* {re.escape(value[:12])}")

    def switch(self, row: str) -> None:
        """Switches a true or false in the setup."""
        self._find_row(row)
        self.terminal.press("space")

    def _find_row(self, row: str) -> None:
        self.terminal.press("3", "home")
        # From here on each key is seen before the next one is pressed.
        self.terminal.wait_until(lambda: _label(self.terminal.lit) == "dataset")
        for _ in range(80):
            if _label(self.terminal.lit) in {row, f"{row[: len(_label(self.terminal.lit)) - 1]}…"}:
                return
            before = self.terminal.lit
            self.terminal.press("down")
            self.terminal.wait_until(functools.partial(self._has_moved, before), 5)
        raise AssertionError(f"no row {row!r}:\n{self.terminal.text}")

    def _has_moved(self, before: str) -> bool:
        return self.terminal.lit != before

    def answer(self, text: str, gone: str) -> None:
        """Types an answer and waits until the question is gone."""
        self.terminal.type(text)
        self.terminal.press("enter")
        self.terminal.wait_until_gone(gone)


def _label(row: str) -> str:
    """The first column of a row."""
    return re.split(r"  +", row.strip("│ ▾▸✗▲"))[0]
