"""The verdict on runs made by hand: what it says, and that it holds its tongue where nothing can be told."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kflab.diagnose import verdicts
from kflab.diagnose.findings import Severity
from kflab.diagnose.fixing import apply
from kflab.diagnose.verdict import SILENCED_BY, headline, verdict
from kflab.runs.events import (
    ClassCounts,
    Costed,
    End,
    Finished,
    LargestLayer,
    NotFinite,
    Predicted,
    TargetFacts,
)
from tests.unit.made_runs import codes, experiment, falling, noisy, run


def test_a_loss_that_settles_is_converged() -> None:
    assert codes(run(falling(2.3, 0.05, 30), falling(2.3, 0.08, 30))) == ["KF205"]


def test_a_validation_loss_that_turns_is_overfitting_from_that_epoch() -> None:
    held = [*falling(2.3, 0.6, 10, 0.6), *(0.61 + 0.05 * step for step in range(20))]
    found = verdict(run(falling(2.3, 0.01, 30), held))
    assert found[0].code == "KF201"
    assert found[0].severity is Severity.WARNING
    assert "from epoch 10 on" in found[0].message
    assert "1.51" in found[0].message


def test_overfitting_without_harm_to_the_accuracy_is_an_information() -> None:
    held = [*falling(2.3, 0.2, 10, 0.6), *(0.21 + 0.02 * step for step in range(20))]
    accuracy = [0.95] * 30
    found = verdict(run(falling(2.3, 0.01, 30), held, own_accuracy=[0.97] * 30, held_accuracy=accuracy))
    assert [(finding.code, finding.severity) for finding in found] == [("KF201", Severity.INFO)]


def test_early_stopping_that_restores_the_best_weights_mends_overfitting() -> None:
    held = [*falling(2.3, 0.6, 10, 0.6), *(0.61 + 0.05 * step for step in range(20))]
    stopper = "{EarlyStopping: {monitor: val_loss, patience: 20, restore_best_weights: true}}"
    of = experiment(epochs=100, callbacks=stopper)
    accuracies = {"own_accuracy": [0.9] * 30, "held_accuracy": [0.87] * 30}
    assert "KF201" not in codes(run(falling(2.3, 0.01, 30), held, of=of, **accuracies))
    assert "KF201" in codes(run(falling(2.3, 0.01, 30), held, **accuracies))


def test_a_wide_gap_is_overfitting_though_validation_does_not_turn() -> None:
    facts = run(
        falling(2.3, 0.01, 20),
        falling(2.3, 1.2, 20, 0.8),
        own_accuracy=[0.999] * 20,
        held_accuracy=[0.7] * 20,
    )
    assert codes(facts)[0] == "KF201"


def test_a_gap_that_few_validation_samples_may_make_is_no_verdict() -> None:
    facts = run(
        falling(2.3, 0.2, 20),
        falling(2.3, 0.3, 20),
        own_accuracy=[0.97] * 20,
        held_accuracy=[0.86] * 20,
        validation=14,
    )
    assert "KF201" not in codes(facts)


def test_a_loss_that_still_falls_is_not_converged_and_the_fix_trains_longer() -> None:
    facts = run(falling(2.3, 0.1, 5, 0.2), falling(2.3, 0.15, 5, 0.2))
    found = verdict(facts)
    assert found[0].code == "KF203"
    assert found[0].fix is not None
    assert apply(facts.experiment, found[0].fix).training.epochs == 10


def test_early_stopping_has_judged_that_already() -> None:
    stopper = "{EarlyStopping: {monitor: val_loss, patience: 3}}"
    of = experiment(epochs=50, callbacks=stopper)
    facts = run(falling(2.3, 0.1, 5, 0.2), falling(2.3, 0.15, 5, 0.2), of=of)
    assert "KF203" not in codes(msgspec.structs.replace(facts, planned=50))


@pytest.mark.parametrize("rate", [1e-7, 1e-6, 2e-5])
def test_a_learning_rate_that_moves_nothing_is_too_low(rate: float) -> None:
    found = verdict(run([2.35 - 0.001 * epoch for epoch in range(10)], rate=rate))
    assert found[0].code == "KF018"
    assert "too low" in found[0].message


def test_a_loss_that_shoots_up_at_once_is_a_learning_rate_too_high() -> None:
    facts = run(
        [850.0, 900.0, 700.0, 820.0], rate=100.0, of=experiment(optimizer="{Adam: {learning_rate: 100}}")
    )
    found = verdict(facts)
    assert found[0].code == "KF018"
    assert "100 is far too high" in found[0].message
    assert found[0].fix is not None
    assert apply(facts.experiment, found[0].fix).training.optimizer.arguments["learning_rate"] == 0.001


def test_a_training_loss_that_swings_is_a_learning_rate_too_high() -> None:
    losses = [2.1 if epoch % 2 else 1.2 for epoch in range(20)]
    assert codes(run(losses, rate=0.02))[0] == "KF018"


def test_a_first_loss_far_from_chance_is_told_and_does_not_hide_the_end() -> None:
    found = verdict(run(falling(40, 0.05, 30), falling(40, 0.08, 30), first=55.0))
    assert [(finding.code, finding.severity) for finding in found] == [
        ("KF205", Severity.INFO),
        ("KF018", Severity.INFO),
    ]
    assert "2.303" in found[1].message


def test_who_always_says_the_most_frequent_class_has_learned_nothing() -> None:
    facts = run(
        [2.31, 2.304, 2.303, 2.3031, 2.303, 2.3032],
        [2.303] * 6,
        own_accuracy=[0.1] * 6,
        held_accuracy=[0.1] * 6,
    )
    found = verdict(facts)
    assert found[0].code == "KF206"
    assert "0.1" in found[0].message


def test_a_loss_near_that_of_guessing_is_underfitting_only_once_it_has_settled() -> None:
    assert codes(run([2.2, 2.0, 1.92, 1.9, *[1.89] * 16]))[0] == "KF202"
    assert "KF202" not in codes(run([2.29, 2.25, 2.2, 2.15, 2.1, 2.05, 2.0]))


def test_a_loss_that_came_back_up_has_diverged() -> None:
    facts = run([1.2, 0.6, 0.3, 0.25, 8.0, 9.0, 11.0])
    found = verdict(facts)
    assert found[0].code == "KF204"
    assert "epoch 4" in found[0].message


@pytest.mark.parametrize(
    ("lost", "of", "expected", "place"),
    [
        (NotFinite(0, 2, 7, 0.4, 0.6, unusable=3, looked_at=100), {}, "3 of the 100", "data"),
        (NotFinite(0, 1, 3, 4e12, 4e12), {}, "grown from 2.303 to 4e+12", "training.optimizer.learning_rate"),
        (NotFinite(0, 1, 3, 900.0, 900.0, low=0.0, high=255.0), {}, "inputs reach 255", "data.scale"),
        (NotFinite(0, 1, 5, 0.7), {"activation": "relu"}, "activation relu", "digit"),
        (
            NotFinite(0, 1, 5, 0.7),
            {"hidden": "logs: {ops.log: {}, from: flat}\n    hidden: {Dense: {units: 4}, from: logs}"},
            "logs calls ops.log",
            "logs",
        ),
        (
            NotFinite(0, 1, 5, 0.7),
            {"optimizer": "{Adam: {learning_rate: 3}}"},
            "learning rate 3",
            "training.optimizer.learning_rate",
        ),
    ],
)  # fmt: skip
def test_a_loss_that_is_no_number_is_told_with_its_batch_and_likely_cause(
    lost: NotFinite, of: dict[str, str], expected: str, place: str
) -> None:
    rate = 3.0 if "optimizer" in of else 0.001
    facts = run([None, None], of=experiment(**of), events=[lost], rate=rate)
    (found, *_) = verdict(facts)
    assert found.code == "KF017"
    assert f"epoch {lost.epoch}, batch {lost.step}" in found.message
    assert expected in found.message
    assert found.place == place


def test_memory_that_ran_out_names_the_largest_layers() -> None:
    finished = Finished(1.0, End.FAILED, {}, 1.0, "out of memory: use a smaller batch size", 0)
    costed = Costed(0.0, 9_000_000_000, 8_000_000_000, (LargestLayer("flat", 4_000_000_000),))
    found = verdict(run([], events=[costed], finished=finished))
    assert found[0].code == "KF019"
    assert "flat 4.0 GB" in found[0].message
    assert "8 instead of 32" in found[0].message


def test_one_class_for_all_samples_is_told_by_its_name() -> None:
    predicted = Predicted(0.0, 100, {"digit": ClassCounts((0, 100, *[0] * 8), (10,) * 10)})
    facts = run(falling(2.3, 0.1, 20), events=[predicted])
    assert "KF028" in codes(facts)
    even = Predicted(0.0, 100, {"digit": ClassCounts((10,) * 10, (10,) * 10)})
    assert "KF028" not in codes(run(falling(2.3, 0.1, 20), events=[even]))


def test_training_samples_of_one_class_alone_are_told() -> None:
    facts = run([0.01] * 5, targets={"digit": TargetFacts((0, 500), samples=500)})
    assert codes(facts)[0] == "KF028"


def test_validation_better_than_training_names_dropout() -> None:
    of = experiment(
        hidden="drop: {Dropout: {rate: 0.5}, from: flat}\n    hidden: {Dense: {units: 64}, from: drop}"
    )
    found = verdict(run(falling(2.3, 0.4, 30), falling(2.3, 0.1, 30), of=of))
    assert "KF026" in [finding.code for finding in found]
    assert "drop is at work in training only" in next(f.message for f in found if f.code == "KF026")


def test_validation_better_than_training_by_half_an_epoch_is_the_mean_over_the_epoch() -> None:
    losses = [2.0 * 0.7**epoch for epoch in range(8)]
    held = [2.0 * 0.7 ** (epoch + 0.6) for epoch in range(8)]
    message = next(f.message for f in verdict(run(losses, held)) if f.code == "KF026")
    assert "mean over an epoch" in message


def test_averages_that_lag_behind_explain_a_validation_that_is_far_worse() -> None:
    of = experiment(
        hidden="bn: {BatchNormalization: {}, from: flat}\n    hidden: {Dense: {units: 64}, from: bn}"
    )
    facts = run(falling(2.3, 0.05, 10), [2.3] * 10, of=of, steps=5)
    found = verdict(facts)
    assert "KF201" not in [finding.code for finding in found]
    assert next(f for f in found if f.code == "KF026").node == "bn"


def test_tiny_batches_of_many_samples_are_slow() -> None:
    facts = run(falling(2.3, 0.1, 20), steps=7500, seconds=20.0, samples=60_000)
    assert "KF020" in codes(facts)
    assert "KF020" not in codes(run(falling(2.3, 0.1, 20), steps=45, seconds=0.1))


def test_waiting_for_samples_is_slow_however_large_the_batches() -> None:
    facts = run(falling(2.3, 0.1, 20), steps=50, seconds=20.0)
    assert "KF020" not in codes(facts)
    (found,) = [f for f in verdict(msgspec.structs.replace(facts, waited=300.0)) if f.code == "KF020"]
    assert "300 of 400 seconds" in found.message


def test_a_drawn_seed_is_offered_to_have_the_run_again() -> None:
    facts = run(falling(2.3, 0.1, 20), of=experiment(seed=""), seed_drawn=True)
    found = next(finding for finding in verdict(facts) if finding.code == "KF035")
    assert found.fix is not None
    assert apply(facts.experiment, found.fix).training.seed == 77


def test_while_a_run_goes_on_only_what_is_certain_is_told() -> None:
    assert codes(run(falling(2.3, 0.1, 5, 0.2), is_over=False)) == []
    assert codes(run([1.2, None], events=[NotFinite(0, 2, 1, 1.1)], is_over=False)) == ["KF017"]


def test_a_code_that_the_document_ignores_is_left_out() -> None:
    facts = run(falling(2.3, 0.1, 5, 0.2))
    assert "KF203" in codes(facts)
    ignoring = msgspec.structs.replace(facts.experiment, ignore=("KF203",))
    assert "KF203" not in codes(msgspec.structs.replace(facts, experiment=ignoring))


@pytest.mark.parametrize("losses", [[], [1.0], [1.0, 0.9], [None], [0.0] * 5, [0.5] * 3])
def test_too_little_gives_no_verdict_or_a_calm_one(losses: list[float | None]) -> None:
    facts = run(losses, first=None, targets={})
    for finding in verdict(facts):
        assert finding.code in {"KF017", "KF203", "KF205"}


def test_the_headline_is_the_first_finding_and_no_footnote() -> None:
    facts = run([0.5], first=None, of=experiment(seed=""), seed_drawn=True)
    assert headline(verdict(facts)) == ""
    assert headline(verdict(run(falling(2.3, 0.1, 5, 0.2)))).startswith("KF203 not converged")


def test_every_rule_has_a_code_of_its_own_and_explains_itself() -> None:
    assert len({rule.code for rule in verdicts.ALL}) == len(verdicts.ALL)
    assert len({rule.name for rule in verdicts.ALL}) == len(verdicts.ALL)
    for rule in verdicts.ALL:
        assert rule.summary.endswith(".")
        assert len(rule.text.splitlines()) > 2
    known = {rule.code for rule in verdicts.ALL}
    assert set(SILENCED_BY) | set().union(*SILENCED_BY.values()) <= known


CURVES = st.lists(
    st.one_of(st.none(), st.floats(0, 1e6, allow_nan=False), st.sampled_from([0.0, 1e-300, 1e300, math.inf])),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(
    losses=CURVES,
    held=CURVES,
    accuracy=st.lists(st.floats(0, 1), max_size=25),
    first=st.none() | st.floats(0, 1e9),
)
def test_no_history_breaks_it(
    losses: list[float | None], held: list[float | None], accuracy: list[float], first: float | None
) -> None:
    facts = run(losses, held, own_accuracy=accuracy, held_accuracy=accuracy, first=first)
    for finding in verdict(facts):
        assert finding.message
        assert finding.code


@settings(max_examples=60, deadline=None)
@given(
    scale=st.floats(1e-6, 1e6),
    end=st.floats(0.01, 1.5),
    pace=st.floats(0.02, 1.0),
    turn=st.integers(3, 40),
    epochs=st.integers(2, 40),
)
def test_the_unit_of_the_loss_does_not_matter(
    scale: float, end: float, pace: float, turn: int, epochs: int
) -> None:
    losses = falling(2.3, end, epochs, pace)
    held = [value + 0.03 * max(0, epoch - turn) for epoch, value in enumerate(losses)]

    def judged(factor: float) -> list[str]:
        facts = run(
            [factor * loss for loss in losses],
            [factor * loss for loss in held],
            first=2.303 * factor,
            targets={},
        )
        return codes(facts)

    assert judged(1.0) == judged(scale)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_noise_changes_no_verdict(share: float) -> None:
    held = [*falling(2.3, 0.3, 15, 0.5), *(0.3 + 0.03 * step for step in range(25))]
    assert codes(run(falling(2.3, 0.01, 40), noisy(held, share)))[0] == "KF201"
    settled = noisy(falling(2.3, 0.3, 40), share)
    assert codes(run(noisy(falling(2.3, 0.25, 40), share / 2), settled))[0] == "KF205"
