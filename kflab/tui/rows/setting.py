"""What the rows of the setup have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from kflab.catalog import Argument, ArgumentKind, Catalog, Kind
from kflab.catalog.check import named_object
from kflab.catalog.datasets import DatasetInfo
from kflab.catalog.literals import write
from kflab.diagnose.findings import Finding, Severity
from kflab.document.decoding import plain_words
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment, PlanSettings, Spec, Training
from kflab.graph.edited import Edited
from kflab.tui.rows.arguments import argument_rows, entry_rows
from kflab.tui.rows.holder import Holder, without
from kflab.tui.rows.row import Row
from kflab.values import Arguments, Value


class Setting(msgspec.Struct, frozen=True):
    """What the rows of the setup are made from."""

    catalog: Catalog
    experiment: Experiment
    info: DatasetInfo | None = None
    base: Path | None = None
    findings: tuple[Finding, ...] = ()

    def severity(self, path: str) -> Severity | None:
        """The worst finding about a setting."""
        found = {finding.severity for finding in self.findings if finding.path == path}
        return next((severity for severity in Severity if severity in found), None)


def with_data(experiment: Experiment, data: Data, name: str) -> Edited:
    """The experiment with other data."""
    return Edited(msgspec.structs.replace(experiment, data=data), name)


def with_training(experiment: Experiment, training: Training, name: str) -> Edited:
    """The experiment with another training."""
    return Edited(msgspec.structs.replace(experiment, training=training), name)


def field_row(setting: Setting, argument: Argument, part: str, *, under: str = "") -> Row:
    """A field of `data` or `training` as a row.

    Args:
        setting: what the row is made from.
        argument: what the field takes.
        part: `data` or `training`.
        under: the field of it whose own field this is, as `plan`.
    """

    def section(experiment: Experiment) -> Data | Training | PlanSettings:
        whole = experiment.data if part == "data" else experiment.training
        found: Data | Training | PlanSettings = getattr(whole, under) if under else whole
        return found

    def read(experiment: Experiment) -> Arguments:
        value: Value = getattr(section(experiment), argument.name)
        return {} if value == argument.default else {argument.name: value}

    def put(experiment: Experiment, name: str, new: Value) -> Edited:
        holder = section(experiment)
        plain = msgspec.to_builtins(holder)
        if isinstance(new, str) and argument.choices and new not in argument.choices:
            expected = " or ".join(choice or "nothing" for choice in argument.choices)
            number = "" if argument.kind is ArgumentKind.TEXT else "a number or "
            raise KflabError(f"expected {number}{expected}, got {write(new)}")
        try:
            changed = msgspec.convert({**plain, name: new}, type(holder))
        except msgspec.ValidationError as problem:
            message = plain_words(str(problem).partition(" - at ")[0])
            raise KflabError(f"{message}, got {write(new)}") from problem
        if under:
            whole = experiment.data if part == "data" else experiment.training
            return Edited(
                msgspec.structs.replace(
                    experiment, **{part: msgspec.structs.replace(whole, **{under: changed})}
                ),
                f"set {name}",
            )
        return Edited(msgspec.structs.replace(experiment, **{part: changed}), f"set {name}")

    def drop(experiment: Experiment, name: str) -> Edited:
        return put(experiment, name, argument.default)

    path = (part, under) if under else (part,)
    holder = Holder(".".join(path), read, put, drop)
    severity = setting.severity(".".join((*path, argument.name)))
    return next(
        argument_rows(setting.catalog, argument, holder, setting.experiment, path=path, severity=severity)
    )


def spec_of(value: Value) -> Spec:
    """What was chosen or typed for an optimizer, a loss or a metric: `Name` or `{Name: {arguments}}`.

    Raises:
        KflabError: it is neither.
    """
    named = named_object(value)
    if named is None:
        raise KflabError(f"expected a name, such as Huber or Huber(delta=2), got {write(value)}")
    return Spec(*named)


def spec_rows(
    setting: Setting,
    kind: Kind,
    get: Callable[[Experiment], Spec],
    put: Callable[[Experiment, Spec], Edited],
    *,
    path: tuple[str, ...],
    indent: int = 1,
) -> Iterator[Row]:
    """The rows of the arguments of an optimizer, a loss, a metric or a callback.

    Args:
        setting: what the rows are made from.
        kind: what it is.
        get: the object in an experiment.
        put: the experiment with another one in its place.
        path: the path of the row that they stand under.
        indent: how deep they stand.
    """
    spec = get(setting.experiment)

    def with_argument(experiment: Experiment, name: str, value: Value) -> Edited:
        now = get(experiment)
        return put(experiment, Spec(now.name, {**now.arguments, name: value}))

    def without_argument(experiment: Experiment, name: str) -> Edited:
        now = get(experiment)
        return put(experiment, Spec(now.name, without(now.arguments, name)))

    holder = Holder(spec.name, lambda experiment: get(experiment).arguments, with_argument, without_argument)
    entry = setting.catalog.find(kind, spec.name)
    yield from entry_rows(setting.catalog, entry, holder, setting.experiment, path=path, indent=indent)
