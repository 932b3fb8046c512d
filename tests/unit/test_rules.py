"""Rules: every code has a text, one mistake is told once, and what can be switched off is switched off."""

from __future__ import annotations

import re

import msgspec
import pytest

from kflab import document
from kflab.catalog.datasets import describe
from kflab.diagnose import codes, rules
from kflab.diagnose.check import check, told_once
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.mending import mend
from kflab.experiment import Experiment

EXPERIMENT = """
kflab: 1
data: {source: iris}
model:
  nodes:
    x: {Input: {shape: [4]}}
    spare: {Dense: {units: 2}, from: x}
    y: {Dense: {units: 3, activation: softmax}, from: x}
  outputs: [y]
training: {loss: SparseCategoricalCrossentropy, seed: 1}
"""


def experiment(*ignore: str) -> Experiment:
    return msgspec.structs.replace(document.read_text(EXPERIMENT), ignore=ignore)


def found(one: Experiment) -> dict[str, str]:
    return {finding.code: finding.place for finding in check(one, describe(one.data))}


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.code)
def test_a_rule_has_a_text_with_what_to_write(rule: rules.Rule) -> None:
    first, empty, *rest = rule.text.splitlines()
    assert first.endswith((".", "?"))
    assert len(first) <= 110
    assert empty == ""
    assert any(line.startswith("    ") for line in rest), "an example"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)


def test_codes_and_names_are_there_once() -> None:
    assert len({rule.code for rule in rules.ALL}) == len(rules.ALL)
    assert len({rule.name for rule in rules.ALL}) == len(rules.ALL)
    known = {value for name, value in vars(codes).items() if name.isupper()}
    assert known <= {rule.code for rule in rules.ALL}


def test_what_stops_keras_can_not_be_switched_off() -> None:
    for rule in rules.ALL:
        if rule.code >= "KF1" and rule.severity is Severity.ERROR:
            assert not rule.ignorable, rule.code


def test_a_warning_is_switched_off_in_the_document() -> None:
    assert found(experiment()) == {"KF009": "spare"}
    assert found(experiment("KF009")) == {}


def test_an_error_of_the_wiring_stays() -> None:
    wrong = EXPERIMENT.replace("units: 3, activation: softmax}, from: x", "units: 3}")
    one = msgspec.structs.replace(document.read_text(wrong), ignore=("KF009",))
    assert "KF009" in found(one)


@pytest.mark.parametrize(
    ("ignored", "words", "after"),
    [
        ("KF22", "did you mean KF022", ("KF022",)),
        ("early-stopping-keeps-last-weights", "did you mean KF022", ("KF022",)),
        ("KF101", "can not be switched off", ()),
        ("nonsense", "no rule 'nonsense'", ()),
    ],
)
def test_what_is_switched_off_in_vain_is_told_and_mended(
    ignored: str, words: str, after: tuple[str, ...]
) -> None:
    (told,) = (finding for finding in check(experiment("KF009", ignored)) if finding.code == "KF113")
    assert words in told.message
    assert told.path == "ignore"
    mended = mend(experiment("KF009", ignored), check)
    assert mended.experiment.ignore == ("KF009", *after)


def test_what_explains_most_is_told_and_what_comes_of_it_is_not() -> None:
    cause = Finding("cause", node="x", code="KF005", explains=("x", "conv", "y"))
    middle = Finding("middle", node="conv", code="KF007", explains=("conv",))
    refused = Finding("refused", node="conv", code="KF107")
    other = Finding("other", node="z", code="KF107")
    warning = Finding("warning", Severity.WARNING, node="conv", code="KF029")
    assert set(told_once([middle, refused, other, warning, cause])) == {cause, other, warning}
    assert set(told_once([middle, refused])) == {middle}


def test_findings_come_in_the_order_of_the_document() -> None:
    text = EXPERIMENT.replace("loss: SparseCategoricalCrossentropy", "loss: MeanSquaredError")
    text = text.replace("x: {Input: {shape: [4]}}", "x: {Input: {shape: [4]}}\n    a: {Dense: {units: 2}}")
    one = document.read_text(text)
    places = [finding.place for finding in check(msgspec.structs.replace(one, ignore=("KF1",)), None)]
    assert [place for place in places if place in {"a", "ignore"}] == ["a", "ignore"]


def test_mending_ends_where_a_fix_brings_its_finding_back() -> None:
    def look(one: Experiment) -> tuple[Finding, ...]:
        epochs = one.training.epochs
        fix = Fix("turn", (Assign(("training", "epochs"), 1 if epochs == 2 else 2),))
        return (Finding(f"{epochs} epochs", path="training.epochs", code="KF999", fix=fix),)

    mended = mend(experiment(), look)
    assert len(mended.applied) == 2
    assert len(mended.findings) == 1


def test_a_fix_that_no_longer_fits_leaves_its_finding() -> None:
    lost = Finding("lost", code="KF999", fix=Fix("lose", (Assign(("model", "nodes", "gone", "Dense"), {}),)))
    mended = mend(experiment(), lambda _: (lost,))
    assert mended.applied == ()
    assert mended.findings == (lost,)
    assert mended.experiment == experiment()


def test_unsafe_fixes_wait_until_they_are_asked_for() -> None:
    assert mend(experiment(), check).applied == ()
    mended = mend(experiment(), check, unsafe=True)
    assert [finding.node for finding in mended.applied] == ["spare"]
    assert "spare" not in mended.experiment.model.nodes
