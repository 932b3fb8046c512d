"""`kflab check`: what is wrong with an experiment, and what mends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kflab.commands import arguments, changing
from kflab.commands.choosing import use_backend_option
from kflab.commands.inspecting import FAILED, has_errors, set_option
from kflab.commands.output import finding_lines, json_option, print_json
from kflab.errors import KflabError, UnusableInputError

if TYPE_CHECKING:
    from kflab.catalog.dataset_types import DatasetInfo
    from kflab.catalog.profiles import Profile
    from kflab.diagnose.findings import Finding
    from kflab.diagnose.mending import Mended
    from kflab.engine.protocol import Memory, Report
    from kflab.experiment import Experiment

_NODE = re.compile(r"(?:model|models\.(?P<graph>[^.]+))\.nodes\.(?P<node>[^.\[]+)")


@click.command()
@click.argument("experiment")
@click.option("--fix", "fixes", is_flag=True, help="Apply the fixes that change nothing else.")
@click.option("--unsafe-fixes", "unsafe", is_flag=True, help="Apply fixes that change more, too.")
@click.option("--diff", "as_diff", is_flag=True, help="Show what the fixes would change; write nothing.")
@click.option("--ignore", "ignored", multiple=True, metavar="CODE", help="Leave a rule out: KF022.")
@changing.output_option
@set_option
@use_backend_option
@json_option
def check(
    experiment: str,
    assignments: tuple[str, ...],
    ignored: tuple[str, ...],
    output: Path | None,
    *,
    fixes: bool,
    unsafe: bool,
    as_diff: bool,
    as_json: bool,
) -> int:
    """Tell what is wrong with EXPERIMENT; exits 1 when there are errors.

    Each line is a finding: the file, the node or setting, the code of its rule and what is wrong. What can be
    fixed is marked with [*]; `kflab explain CODE` tells more.
    """
    from kflab import presets
    from kflab.diagnose.mending import Mended, mend
    from kflab.document.files import state_of

    fixes = fixes or unsafe or as_diff
    try:
        state = state_of(presets.find(experiment)) if fixes else None
        named = arguments.load(experiment, assignments)
    except UnusableInputError as error:
        if not error.code:
            raise
        return _tell_unreadable(experiment, error, as_json=as_json)
    path = changing.output_path(output, named.path) if fixes and not as_diff else named.path
    eye = _Eye(named.base, ignored)
    if fixes:
        mended = mend(named.experiment, eye.look, unsafe=unsafe)
    else:
        mended = Mended(named.experiment, eye.look(named.experiment))
    if as_diff:
        click.echo(_diff(experiment, named, mended.experiment), nl=False)
        return FAILED if mended.applied else 0
    if mended.applied:
        changing.save(mended.experiment, named, path, expecting=None if output else state)
    if as_json:
        _print_json(mended, eye.params)
    else:
        _print(experiment, mended, eye.params)
    return FAILED if has_errors(mended.findings) else 0


class _Eye:
    """Looks at one state of an experiment after the other; what has not changed is not read again."""

    def __init__(self, base: Path, ignored: tuple[str, ...]) -> None:
        from kflab import paths
        from kflab.commands.native import native_output_to

        with native_output_to(paths.state_dir() / "engine.log"):
            from kflab.engine.inspect import Inspector
        self._base, self._ignored = base, ignored
        self._inspector = Inspector()
        self._seen: list[tuple[Experiment, Profile | None, str]] = []
        self.params = 0

    def look(self, experiment: Experiment) -> tuple[Finding, ...]:
        """What is wrong with an experiment, what its data holds included."""
        import msgspec

        from kflab import paths
        from kflab.commands.native import native_output_to
        from kflab.data.sources import study
        from kflab.diagnose.check import check as diagnose

        if not any(_same_data(before, experiment) for before, _, _ in self._seen):
            study(experiment.data, self._base, look=True)
        info = _described(experiment, self._base)
        with native_output_to(paths.state_dir() / "engine.log"):
            report: Report = self._inspector.inspect(experiment)
            profile, problem = self._profile(experiment)
        self.params = report.model.totals.total
        # A code that is left out here is none of the document's own.
        meant = msgspec.structs.replace(experiment, ignore=(*experiment.ignore, *self._ignored))
        found = diagnose(meant, info, report, self._base, profile)
        return (*found, *_of_data(problem, found), *_of_disk(report.cost.memory))

    def _profile(self, experiment: Experiment) -> tuple[Profile | None, str]:
        """What was seen in the data, or why it can not be read; nothing where it is not on this machine."""
        if not experiment.data.source:
            return None, ""
        for before, profile, problem in self._seen:
            if _same_data(before, experiment):
                return profile, problem
        from kflab.data.profile import NotDownloadedError
        from kflab.data.profile import profile as seen_in

        profile, problem = None, ""
        try:
            profile = seen_in(experiment, self._base)
        except NotDownloadedError:
            pass  # what can not be looked at without a download is not judged
        except KflabError as error:
            problem = str(error)
        self._seen.append((experiment, profile, problem))
        return profile, problem


def _described(experiment: Experiment, base: Path) -> DatasetInfo | None:
    """What the dataset is said to hold; nothing where a rule tells why that can not be said."""
    from kflab.catalog.datasets import describe

    if not experiment.data.source:
        return None
    try:
        return describe(experiment.data, base)
    except UnusableInputError as error:
        if error.code:
            return None
        raise


def _same_data(one: Experiment, other: Experiment) -> bool:
    ends = [(each.model.input_names(), each.model.output_names()) for each in (one, other)]
    inputs = [[each.model.nodes.get(name) for name in each.model.input_names()] for each in (one, other)]
    return one.data == other.data and ends[0] == ends[1] and inputs[0] == inputs[1]


def _of_data(problem: str, found: Iterable[Finding]) -> Iterable[Finding]:
    """The finding about data that can not be read, where no other one tells why."""
    from kflab.diagnose import codes
    from kflab.diagnose.findings import Finding

    about_data = any(finding.path.startswith("data") or finding.explains for finding in found)
    if problem and not about_data:
        yield Finding(problem, path="data", code=codes.DATA_DOES_NOT_FIT)


def _of_disk(memory: Memory) -> Iterable[Finding]:
    """The finding about a disk that has too little room for a run."""
    from kflab import paths
    from kflab.diagnose.findings import Finding, Severity
    from kflab.runs.disk import needed, room, shortage
    from kflab.settings import read_settings

    try:
        found = room(paths.runs_dir())
    except OSError:
        return  # A disk that does not tell its room is none to warn of.
    needs = needed(memory.weights, memory.slots)
    if lacking := shortage(found, needs, read_settings().disk_reserve_bytes):
        yield Finding(lacking, severity=Severity.WARNING, path="training")


def _diff(file: str, named: arguments.Named, after: Experiment) -> str:
    import difflib

    from kflab import document

    before, now = named.text, document.dump(after, named.text)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), now.splitlines(keepends=True), file, f"{file} (fixed)"
    )
    return "".join(lines)


def _tell_unreadable(file: str, error: UnusableInputError, *, as_json: bool) -> int:
    """Tell why a document is refused that breaks a rule by what it says."""
    from kflab.diagnose.findings import Finding

    place = _NODE.match(error.path)
    finding = Finding(
        error.message,
        graph=(place["graph"] or "") if place else "",
        node=place["node"] if place else "",
        path=error.path,
        code=error.code,
    )
    if as_json:
        print_json({"ok": False, "findings": [_told(finding)], "params": 0, "fixed": []})
    else:
        click.echo("\n".join(finding_lines(f"{file}:{error.line}" if error.line else file, [finding])))
    return FAILED


def _told(finding: Finding) -> dict[str, object]:
    """A finding with all that is known of it, defaults too."""
    fix = finding.fix
    return {
        "code": finding.code,
        "severity": finding.severity,
        "graph": finding.graph,
        "node": finding.node,
        "path": finding.path,
        "message": finding.message,
        "fix": None if fix is None else {"title": fix.title, "safe": fix.safe, "steps": fix.steps},
    }


def _print_json(mended: Mended, params: int) -> None:
    print_json(
        {
            "ok": not has_errors(mended.findings),
            "findings": [_told(finding) for finding in mended.findings],
            "params": params,
            "fixed": [_told(finding) for finding in mended.applied],
        }
    )


def _print(file: str, mended: Mended, params: int) -> None:
    for finding in mended.applied:
        assert finding.fix is not None
        click.echo(f"{file}: {finding.place}: fixed {finding.code}: {finding.fix.title}")
    if mended.findings:
        click.echo("\n".join(finding_lines(file, mended.findings)))
        click.echo(_summary(mended.findings))
    else:
        nodes = len(mended.experiment.model.nodes)
        click.echo(f"{file}: {nodes} nodes, {params:,} parameters, nothing is wrong")


def _summary(findings: tuple[Finding, ...]) -> str:
    """How many there are, and what a fix could do about them."""
    from kflab.diagnose.wording import count_text

    safe = _count(findings, lambda finding: finding.fix is not None and finding.fix.safe)
    unsafe = _count(findings, lambda finding: finding.fix is not None and not finding.fix.safe)
    text = count_text(len(findings), "finding")
    if safe:
        text += f", {safe} fixable with --fix"
    if unsafe:
        text += f", {unsafe}{' more' if safe else ' fixable'} with --unsafe-fixes"
    return text


def _count(findings: Iterable[Finding], fits: Callable[[Finding], bool]) -> int:
    return sum(1 for finding in findings if fits(finding))
