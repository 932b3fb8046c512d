"""What a trainer takes from the events of the trainers before it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kflab.runs.events import Batch, End, Epoch, Event, Finished, Resumed, Steered
from kflab.runs.position import Position
from kflab.train.past import Past


def _past(events: Sequence[Event]) -> Past:
    past = Past()
    for event in events:
        past.take(event)
    return past


def _rate(epoch: int, step: int, value: float, name: str) -> Steered:
    return Steered(0.0, "rate", epoch, step, value=value, id=name)


def test_requests_are_made_again_in_the_order_of_their_steps_though_a_trainer_died_between_them() -> None:
    first, second, third = _rate(0, 5, 0.1, "a"), _rate(0, 10, 0.2, "b"), _rate(0, 7, 0.3, "c")

    # The second trainer made the first one again, was asked for another one and died before the second.
    past = _past([first, second, Resumed(0.0, 0, 3), first, third])

    assert past.later_than(Position(0, 3), ()) == [first, third, second]
    assert past.later_than(Position(0, 7), ("c",)) == [second]


def test_requests_at_one_step_keep_their_order_when_only_the_first_was_made_again() -> None:
    first, second = _rate(0, 5, 0.1, "a"), _rate(0, 5, 0.2, "b")

    assert _past([first, second, Resumed(0.0), first]).later_than(Position(), ()) == [first, second]


_FINISHED = Finished(0.0, End.DONE, epochs=10)
_ON = Resumed(0.0, 10, 0)
_STEPS = Batch(0.0, 11, 3, 20, {})
_EPOCH = Epoch(0.0, 11, 1.0, {})


@pytest.mark.parametrize(
    ("events", "finished"),
    [
        ([], -1),
        ([_EPOCH], -1),
        ([_FINISHED], 10),
        ([_FINISHED, _ON, _STEPS], 10),
        ([_FINISHED, _ON, _EPOCH], 10),
        ([_FINISHED, Finished(0.0, End.STOPPED, epochs=0)], 10),
        ([_FINISHED, Resumed(0.0, 8, 5)], -1),
    ],
    ids=["none", "died", "ended", "died on", "died later", "stopped before it went on", "went back"],
)
def test_the_end_of_a_run_holds_until_a_trainer_goes_back_before_it(
    events: Sequence[Event], finished: int
) -> None:
    assert _past(events).finished == finished


def test_epochs_that_were_asked_for_with_going_on_hold_over_those_asked_for_before() -> None:
    before = Steered(0.0, "epochs", 3, 4, value=20.0, id="a")
    rate = _rate(3, 5, 0.1, "b")
    now = Steered(1.0, "epochs", 2, 0, value=40.0, id="resumed-2-0-40")

    assert _past([before, rate, Resumed(0.0, 2), now]).later_than(Position(2), ()) == [now, rate]
