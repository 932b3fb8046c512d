"""What the rows of the setup have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from kflab.catalog import Argument, Catalog, Entry, Kind
from kflab.catalog.datasets import DatasetInfo
from kflab.diagnose.findings import Finding, Severity
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph.edits import Edited
from kflab.tui.rows.row import Row, argument_row
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
        return Severity.ERROR if Severity.ERROR in found else next(iter(found), None)


def with_data(experiment: Experiment, data: Data, name: str) -> Edited:
    """The experiment with other data."""
    return Edited(msgspec.structs.replace(experiment, data=data), name)


def with_training(experiment: Experiment, training: Training, name: str) -> Edited:
    """The experiment with another training."""
    return Edited(msgspec.structs.replace(experiment, training=training), name)


def without(mapping: Mapping[str, Value], key: str) -> dict[str, Value]:
    """The mapping with one key left out."""
    return {name: value for name, value in mapping.items() if name != key}


def field_row(setting: Setting, argument: Argument, value: Value, part: str) -> Row:
    """A field of `data` or `training` as a row."""

    def put(experiment: Experiment, new: Value) -> Edited:
        holder = {"data": experiment.data, "training": experiment.training}[part]
        plain = msgspec.to_builtins(holder)
        try:
            changed = msgspec.convert({**plain, argument.name: new}, type(holder))
        except msgspec.ValidationError as problem:
            raise KflabError(f"{argument.name}: {problem}".partition(" - at ")[0]) from problem
        return Edited(msgspec.structs.replace(experiment, **{part: changed}), f"set {argument.name}")

    def reset(experiment: Experiment) -> Edited:
        edited = put(experiment, argument.default)
        return msgspec.structs.replace(edited, name=f"reset {argument.name}")

    given: Arguments = {} if value == argument.default else {argument.name: value}
    return argument_row(
        setting.catalog,
        argument,
        given,
        apply=put,
        reset=reset,
        severity=setting.severity(f"{part}.{argument.name}"),
    )


def spec_rows(
    setting: Setting, kind: Kind, spec: Spec, put: Callable[[Experiment, Spec], Edited], indent: int = 1
) -> Iterator[Row]:
    """The rows of the arguments of an optimizer, a loss or a callback."""
    entry = setting.catalog.find(kind, spec.name)
    for argument in entry.arguments if entry else ():

        def set_it(experiment: Experiment, value: Value, argument: Argument = argument) -> Edited:
            return put(experiment, Spec(spec.name, {**spec.arguments, argument.name: value}))

        def reset_it(experiment: Experiment, argument: Argument = argument) -> Edited:
            return put(experiment, Spec(spec.name, without(spec.arguments, argument.name)))

        if argument.name != "name":
            yield argument_row(
                setting.catalog, argument, spec.arguments, apply=set_it, reset=reset_it, indent=indent
            )


def entry_help(entry: Entry | None) -> str:
    """What Keras says of an entry."""
    return f"{entry.summary}\n\n{entry.text}".strip() if entry else ""
