"""The code of the experiment that is open, complete or not."""

from __future__ import annotations

import msgspec

from kflab.code.blocks import Block, Place
from kflab.code.scripts import sketch
from kflab.engine.protocol import Report
from kflab.experiment import Experiment
from kflab.tui.session import Session


class LiveCode(msgspec.Struct, frozen=True):
    """The code of an experiment.

    Attributes:
        experiment: the experiment.
        report: what was known of it.
        block: its code.
        problems: what no code could be written for, in sentences.
    """

    experiment: Experiment
    report: Report | None
    block: Block
    problems: tuple[str, ...] = ()

    def is_of(self, session: Session) -> bool:
        """Whether it is still the code of what is open."""
        return self.experiment is session.experiment and self.report is session.report

    def lines_of(self, graph: str, node: str) -> frozenset[int]:
        """The numbers of the lines that stand for a node."""
        place = Place(graph, node)
        starts = (start for start, own in self.block.places.items() if own == place)
        return frozenset(number for start in starts for number in self.block.statement(start))

    def missing(self, session: Session) -> str:
        """What keeps the code from running, in one line; "" where it runs."""
        for finding in session.errors:
            return " ".join(f"✗ {finding.place}: {finding.message}".split())
        return next((" ".join(f"✗ {problem}".split()) for problem in self.problems), "")


def write(session: Session) -> LiveCode:
    """The code of what is open."""
    script = sketch(session.experiment, session.folder, report=session.report, folder=session.folder)
    return LiveCode(session.experiment, session.report, script.block, script.problems)
