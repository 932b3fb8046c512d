"""The verdict on a run: what its curves, its results and its data say about it, most important first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from kflab import document
from kflab.catalog.datasets import DatasetInfo, describe
from kflab.diagnose import verdicts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.run_facts import RunFacts, facts_of
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.runs.ending import Ending, how_it_ended
from kflab.runs.follow import Follow
from kflab.runs.history import RunState
from kflab.runs.info import EXPERIMENT, RunInfo, read_info

_BROKEN = frozenset({"KF017", "KF019"})
_OFF = _BROKEN | {"KF018"}

SILENCED_BY: Mapping[str, frozenset[str]] = {
    "KF018": _BROKEN,
    "KF020": _BROKEN,
    "KF028": _BROKEN,
    "KF026": _OFF | {"KF204", "KF206"},
    "KF201": _OFF | {"KF204", "KF206"},
    "KF202": _OFF | {"KF203", "KF204", "KF206"},
    "KF203": _OFF | {"KF201", "KF204", "KF206"},
    "KF204": _OFF,
    "KF205": _OFF | {"KF028", "KF201", "KF202", "KF203", "KF204", "KF206"},
    "KF206": _OFF | {"KF204"},
}
"""The verdicts that say the same as another one, which says it better, or that mean nothing beside it."""

_ORDER = (
    "KF019",
    "KF017",
    "KF018",
    "KF204",
    "KF206",
    "KF028",
    "KF201",
    "KF202",
    "KF203",
    "KF205",
    "KF026",
    "KF020",
    "KF035",
)


def verdict(facts: RunFacts) -> tuple[Finding, ...]:
    """What a run turned out to be, the most important first; nothing where it can not be told.

    Args:
        facts: the run.
    """
    found = [finding for rule in verdicts.ALL for finding in rule.findings(facts)]
    # An information about how a run began says nothing about how it ended.
    strong = {
        finding.code
        for finding in found
        if finding.severity is not Severity.INFO or finding.code in {"KF201", "KF203"}
    }
    told = [
        finding
        for finding in found
        if not strong & SILENCED_BY.get(finding.code, frozenset()) - {finding.code}
        and finding.code not in facts.experiment.ignore
    ]
    return tuple(sorted(told, key=_weight))


def _weight(finding: Finding) -> tuple[bool, bool, int]:
    """What findings are sorted by, the most important first."""
    is_note = finding.severity is Severity.INFO
    return is_note, is_note and finding.code in _OFF, _ORDER.index(finding.code)


def headline(findings: Iterable[Finding]) -> str:
    """The verdict in one line: what matters most; "" where there is nothing to say."""
    first = next(iter(findings), None)
    return "" if first is None or first.code in {"KF035", "KF020"} else f"{first.code} {first.message}"


def verdict_on(
    state: RunState,
    experiment: Experiment,
    run: RunInfo | None = None,
    *,
    is_over: bool = True,
    info: DatasetInfo | None = None,
    ending: Ending | None = None,
) -> tuple[Finding, ...]:
    """The verdict on a run that is followed.

    Args:
        state: what has happened in it.
        experiment: what was run.
        run: what else is known of it.
        is_over: whether nothing more will happen; while more will, only what is certain is told.
        info: what its dataset is said to hold, for the names of classes.
        ending: how it ended, where it did.
    """
    return verdict(
        facts_of(
            state,
            experiment,
            is_over=is_over,
            info=info,
            seed=run.seed if run else 0,
            seed_drawn=run.seed_drawn if run else False,
            devices=run.devices if run else (),
            crash=ending.cause if ending else "",
        )
    )


def verdict_of(run_dir: Path, *, is_over: bool = True) -> tuple[Finding, ...]:
    """The verdict on the run in a folder.

    Args:
        run_dir: the run folder.
        is_over: whether nothing more will happen in it.

    Raises:
        UnusableInputError: it is no run folder, or its experiment can not be read.
    """
    run = read_info(run_dir)
    experiment = document.read(run_dir / EXPERIMENT)
    follow = Follow(run_dir)
    follow.poll()
    while follow.is_behind:
        follow.poll()
    return verdict_on(
        follow.state,
        experiment,
        run,
        is_over=is_over,
        info=described(experiment, run),
        ending=how_it_ended(run_dir) if is_over else None,
    )


def described(experiment: Experiment, run: RunInfo) -> DatasetInfo | None:
    """What the dataset of a run is said to hold; None where it is not there any more."""
    if not experiment.data.source:
        return None
    try:
        return describe(experiment.data, Path(run.source).parent if run.source else Path(run.cwd or "."))
    except (KflabError, OSError):
        return None
