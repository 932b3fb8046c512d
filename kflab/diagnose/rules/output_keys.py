"""The rule on settings that are keyed by the outputs of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kflab.catalog.matching import stranger
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.held import plain
from kflab.diagnose.rules.rule import rule
from kflab.errors import did_you_mean, nearest
from kflab.experiment import EVERY_OUTPUT, Spec
from kflab.values import Value


@rule("KF015", "key-that-names-no-output", Severity.ERROR)
def output_keys(facts: Facts) -> Iterator[Finding]:
    """A loss, a metric, a weight or a target is given for an output that the model does not have.

    The outputs are called by their nodes, as `model.outputs` lists them; one of several outputs of the same
    node adds its number. Keras says "Expected keys [...] in loss dict, but found [...]".

    Example, where the outputs are `priority` and `department`:

        loss:
          priority: BinaryCrossentropy
          departement: SparseCategoricalCrossentropy

    Use instead:

        loss:
          priority: BinaryCrossentropy
          department: SparseCategoricalCrossentropy
    """
    training, outputs = facts.experiment.training, facts.experiment.model.output_names()
    sections: Mapping[tuple[str, str], Mapping[str, Value]] = {
        ("training", "loss"): {key: plain(spec) for key, spec in training.loss.items()},
        ("training", "loss_weights"): training.loss_weights,
        ("training", "metrics"): {key: _listed(specs) for key, specs in training.metrics.items()},
        ("data", "targets"): facts.experiment.data.targets,
    }
    for section, values in sections.items():
        for key in values:
            if key == EVERY_OUTPUT or key in outputs:
                continue
            hint = did_you_mean(key, outputs) or f"; its outputs are {', '.join(outputs) or 'none'}"
            of_data = section[0] == "data"
            yield Finding(
                stranger(section[1], key, outputs) if of_data else f"{key!r} is no output of the model{hint}",
                path=".".join((*section, key)),
                fix=_renamed(section, values, key, outputs),
            )


def _listed(specs: tuple[Spec, ...]) -> Value:
    return [plain(spec) for spec in specs]


def _renamed(
    section: tuple[str, str], values: Mapping[str, Value], key: str, outputs: tuple[str, ...]
) -> Fix | None:
    """The same under the name of an output that nothing is said of yet: the nearest, or the only one."""
    free = [name for name in outputs if name not in values]
    meant = nearest(key, free, most=1) or (free if len(free) == 1 else [])
    if not meant and not free and section[0] == "training":
        return Fix(f"take {key} out", (Assign((*section, key), None),), safe=False)
    if not meant:
        return None
    renamed = {meant[0] if name == key else name: value for name, value in values.items()}
    return Fix(f"write {meant[0]} for {key}", (Assign(section, renamed),))
