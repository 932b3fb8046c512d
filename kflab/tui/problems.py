"""Findings as a list to work through: their order, what each row says, and the place that each is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from kflab.diagnose.findings import Finding, Severity, worst_first
from kflab.experiment import EVERY_OUTPUT, Experiment
from kflab.graph.nodes import Call
from kflab.tui.marks import MARKS, PARTS
from kflab.tui.rows.row import Row
from kflab.tui.rows.setup import SELDOM
from kflab.tui.session import Session
from kflab.tui.text import fit, fit_middle, plural

AFTER_THE_RUN = "After the run"
"""The heading of what the run that is followed turned out to be."""

_MOST_PLACE = 22
_SECTIONS = {"training", "callbacks"}
"""Keys of the document that go without saying."""


Key: TypeAlias = tuple[str, str, str, str]
"""Code, graph, node and path of a finding."""


class Problem(msgspec.Struct, frozen=True):
    """A row of the list.

    Attributes:
        finding: what it is about; none for a heading.
        heading: the words of a heading.
        pending: it was found before the last edit, and whether it still holds is being worked out.
    """

    finding: Finding | None = None
    heading: str = ""
    pending: bool = False

    @property
    def fixable(self) -> bool:
        """Whether there is a fix for it."""
        return self.finding is not None and self.finding.fix is not None

    @property
    def key(self) -> Key:
        """What tells it from the others, whatever figures its message has."""
        found = self.finding
        return (found.code, found.graph, found.node, found.path) if found else ("", "", "", self.heading)


def problems(
    findings: Iterable[Finding],
    after_run: Iterable[Finding] = (),
    before: Sequence[Problem] = (),
    *,
    stale: bool = False,
) -> list[Problem]:
    """The rows of the list.

    Args:
        findings: what is wrong with the experiment.
        after_run: what its run turned out to be, the most important first.
        before: the rows until now.
        stale: something is being worked out, so that what depends on it is not among the findings.
    """
    rows = [Problem(finding) for finding in worst_first(findings)]
    if stale:
        rows = _kept_in_place(rows, before)
    told = list(after_run)
    if told:
        rows += [Problem(heading=AFTER_THE_RUN), *(Problem(finding) for finding in told)]
    return rows


def _kept_in_place(rows: Sequence[Problem], before: Sequence[Problem]) -> list[Problem]:
    """The rows in the places that they had, those that may come back among them."""
    left: dict[Key, list[Problem]] = {}
    for row in rows:
        left.setdefault(row.key, []).append(row)
    kept: list[Problem] = []
    for row in before:
        if row.heading:
            break
        same = left.get(row.key, [])
        # Of several with one key, the one that says the same is meant.
        found = next((other for other in same if other.finding == row.finding), same[0] if same else None)
        if found is not None:
            same.remove(found)
        kept.append(found or msgspec.structs.replace(row, pending=True))
    return [*kept, *(row for same in left.values() for row in same)]


def place_after(before: Sequence[Problem], cursor: int, rows: Sequence[Problem]) -> int:
    """Where the cursor stands among other rows: on the same problem, or else in the same place."""
    if cursor < len(before):
        wanted = before[cursor]
        same = [index for index, row in enumerate(rows) if row.key == wanted.key]
        exact = [index for index in same if rows[index].finding == wanted.finding]
        if found := exact or same:
            return found[0]
    return max(min(cursor, len(rows) - 1), 0)


class Widths(msgspec.Struct, frozen=True):
    """How wide the columns of the list are; 0 where there is no room for one, or nothing to stand in it."""

    code: int = 0
    fix: int = 0
    place: int = 0
    message: int = 0


def widths(rows: Sequence[Problem], width: int) -> Widths:
    """The columns of a list that is so wide."""
    code = max((len(row.finding.code) for row in rows if row.finding), default=0)
    fix = 1 if any(row.fixable for row in rows) else 0
    before = 2 + sum(column + 1 for column in (code, fix) if column)
    places = (len(short_place(row.finding)) for row in rows if row.finding)
    room = width - before
    place = min(max(places, default=0), _MOST_PLACE, max(room // 3, 0))
    place = place if place >= 4 else 0
    return Widths(code, fix, place, max(room - (place + 2 if place else 0), 0))


def pieces(row: Problem, columns: Widths) -> Iterator[tuple[str, str]]:
    """A row as pieces of text, each with the part of the look that it is."""
    found = row.finding
    if found is None:
        yield row.heading, "accent"
        return
    part = "quiet" if row.pending else PARTS[found.severity]
    yield f"{MARKS[found.severity]} ", part
    if columns.code:
        yield f"{found.code:<{columns.code}} ", part
    if columns.fix:
        yield ("f " if row.fixable else "  "), "quiet" if row.pending else "accent"
    if columns.place:
        yield (
            f"{fit_middle(short_place(found, columns.place), columns.place):<{columns.place}}  ",
            "quiet" if row.pending else "strong",
        )
    words = " ".join(found.message.split())
    yield fit(words, columns.message), "quiet" if row.pending or found.severity is Severity.INFO else ""


def short_place(finding: Finding, room: int = _MOST_PLACE) -> str:
    """Where a finding is, as short as there is room for: `digit`, `EarlyStopping.monitor`, `monitor`."""
    if finding.node or finding.graph:
        return finding.place
    parts = finding.path.split(".")
    while len(parts) > 1 and parts[0] in _SECTIONS:
        parts = parts[1:]
    place = ".".join(parts)
    return place if len(place) <= room else parts[-1]


def counts_text(findings: Sequence[Finding]) -> str:
    """How many there are of each severity, in words: `1 error · 2 warnings · 1 note`."""
    names = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    counted = (
        (name, sum(finding.severity is severity for finding in findings)) for severity, name in names.items()
    )
    return " · ".join(plural(count, name) for name, count in counted if count)


def reflowed(text: str) -> str:
    """A text with each of its paragraphs in one line, for whoever wraps it; what is indented stays."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        paragraph
        if any(line.startswith(" ") for line in paragraph.split("\n"))
        else " ".join(paragraph.split())
        for paragraph in paragraphs
    )


# Where a finding is


def trail_to(experiment: Experiment, graph: str) -> tuple[str, ...]:
    """The nested models that lead from the main model to a graph, the shortest way."""
    ways: dict[str, tuple[str, ...]] = {"": ()}
    waiting = [""]
    for name in waiting:
        for node in experiment.graph(name).nodes.values():
            called = node.target.model if isinstance(node.target, Call) else ""
            if called in experiment.models and called not in ways:
                ways[called] = (*ways[name], called)
                waiting.append(called)
    return ways.get(graph, (graph,))


def going_to(session: Session, finding: Finding) -> Session | None:
    """The session with the node selected that a finding is about, in its own graph; none where it is gone."""
    experiment = session.experiment
    if finding.graph and finding.graph not in experiment.models:
        return None
    if not finding.node and not finding.graph:
        return None
    shown = session
    if finding.graph != session.graph_name:
        shown = msgspec.structs.replace(session, trail=trail_to(experiment, finding.graph), inside="")
    if not finding.node:
        return shown
    return shown.selecting(finding.node) if finding.node in shown.graph.nodes else None


def row_about(rows: Sequence[Row], path: str) -> Row | None:
    """The row of a form that a path of the document is about, such as `training.optimizer.learning_rate`."""
    wanted = path.split(".")
    best: tuple[int, int] = (0, 0)
    found = None
    for row in rows:
        if row.heading or row.key == SELDOM:
            continue
        parts = _document_parts(row)
        matched = _matched(parts, wanted)
        rank = (matched, matched - len(parts))
        if matched and (found is None or rank > best):
            best, found = rank, row
    return found


def rows_above(rows: Sequence[Row], row: Row) -> list[Row]:
    """The rows that have to be open for a row to be seen, the outermost first."""
    return [
        other
        for other in rows
        if other.opens is not None
        and len(other.key) < len(row.key)
        and row.key[: len(other.key)] == other.key
    ]


def _document_parts(row: Row) -> list[str]:
    """The keys of the document that lead to what a row shows."""
    first, *rest = row.key
    rest = [part for part in rest if part not in {EVERY_OUTPUT, SELDOM[1]} and not part.isdecimal()]
    if first == "dataset":
        return ["data", "arguments", *rest] if rest else ["data", "source"]
    if first == "loss" and rest[-1:] == ["weight"]:
        return ["training", "loss_weights", *rest[:-1]]
    return [first, *rest] if first in {"data", "training", "about"} else ["training", first, *rest]


def _matched(parts: Sequence[str], wanted: Sequence[str]) -> int:
    """How many of the wanted keys stand in the way to a row, in their order."""
    at = count = 0
    for part in parts:
        if part in wanted[at:]:
            at, count = wanted.index(part, at) + 1, count + 1
    return count
