"""The queue as a value: its order, and who gets which place on the machine."""

from __future__ import annotations

import pytest

from kflab.errors import KflabError, UnusableInputError
from kflab.runs import queue
from kflab.runs.gpus import Gpu
from kflab.runs.info import RunInfo
from kflab.runs.queue import Queue, Waiting
from kflab.runs.slots import Machine, Wish, turns

ONE = Queue(tuple(Waiting(name=name, host="here") for name in "abcd"))
TWO_GPUS = Machine([Gpu(number=0, uuid="GPU-a", memory=10, free=10), Gpu(number=1, uuid="GPU-b")])


def order(of: Queue) -> str:
    return "".join(waiting.name for waiting in of.waiting)


@pytest.mark.parametrize(
    ("name", "where", "after"),
    [
        ("b", "up", "bacd"),
        ("a", "up", "abcd"),
        ("b", "down", "acbd"),
        ("d", "down", "abcd"),
        ("d", "first", "dabc"),
        ("a", "last", "bcda"),
        ("a", "3", "bcad"),
        ("d", "1", "dabc"),
        ("b", "99", "acdb"),
    ],
)
def test_a_run_is_moved_and_the_others_keep_their_order(name: str, where: str, after: str) -> None:
    assert order(queue.moved(ONE, name, where)) == after


@pytest.mark.parametrize("where", ["0", "-1", "sideways", "", "1.5"])
def test_there_is_no_such_place(where: str) -> None:
    with pytest.raises(UnusableInputError, match="expected up, down, first, last"):
        queue.moved(ONE, "a", where)


def test_what_does_not_wait_is_not_moved_and_nothing_waits_twice() -> None:
    with pytest.raises(KflabError, match="not in the queue"):
        queue.moved(ONE, "e", "up")
    with pytest.raises(KflabError, match="already, at place 2"):
        queue.added(ONE, Waiting(name="b"))


def test_only_what_waits_for_this_machine_and_is_not_held_can_be_started() -> None:
    assert ONE.startable("here")
    assert not ONE.startable("elsewhere")
    assert not Queue(ONE.waiting, held=True).startable("here")


def test_of_the_environment_is_kept_what_shapes_a_training() -> None:
    kept = queue.shaping({"CUDA_VISIBLE_DEVICES": "1", "AWS_SECRET_ACCESS_KEY": "x", "KERAS_HOME": "/k"})
    assert kept == {"CUDA_VISIBLE_DEVICES": "1", "KERAS_HOME": "/k"}


def asked(*devices: str, environment: dict[str, str] | None = None) -> list[Wish]:
    return [
        Wish(f"run {number}", RunInfo(name="", device=device), environment or {})
        for number, device in enumerate(devices)
    ]


def due(wishes: list[Wish], at_work: dict[str, RunInfo], machine: Machine) -> list[bool]:
    return [turn.is_due for turn in turns(wishes, at_work, machine)]


def test_without_a_gpu_one_run_at_a_time() -> None:
    assert due(asked("", "", "cpu"), {}, Machine()) == [True, False, False]
    [turn] = turns(asked(""), {"other": RunInfo(name="other")}, Machine())
    assert (turn.waits_for, turn.behind) == (("cpu",), ("other",))


def test_a_run_a_gpu_and_one_on_the_cpu_beside_them() -> None:
    assert due(asked("", "cpu", "gpu", "", "cpu"), {}, TWO_GPUS) == [True, True, True, False, False]


def test_runs_at_work_have_their_places_however_they_were_started() -> None:
    at_work = {"by hand": RunInfo(name="by hand", gpus=("GPU-a",))}
    assert due(asked("", ""), at_work, TWO_GPUS) == [True, False]
    assert due(asked("gpu:0", "gpu:1"), at_work, TWO_GPUS) == [False, True]
    assert due(asked("cpu"), at_work, TWO_GPUS) == [True]


def test_a_gpu_that_somebody_else_computes_on_is_not_free() -> None:
    busy = Machine([Gpu(number=0, uuid="GPU-a", processes=1), *TWO_GPUS.gpus[1:]])
    first, second = turns(asked("gpu:0", ""), {}, busy)
    assert (first.waits_for, first.behind) == (("gpu:0",), ())
    assert second.is_due


def test_all_gpus_are_had_in_the_end_since_nothing_overtakes() -> None:
    at_work = {"other": RunInfo(name="other", gpus=("GPU-b",))}
    everything, one, cpu = turns(asked("gpus", "gpu", "cpu"), at_work, TWO_GPUS)
    assert (everything.waits_for, everything.behind) == (("gpu:1",), ("other",))
    assert not one.is_due
    assert "run 0" in one.behind
    assert cpu.is_due
    assert due(asked("gpus", "gpu"), {}, TWO_GPUS) == [True, False]


def test_the_gpus_that_the_environment_leaves_are_waited_for() -> None:
    only = {"CUDA_VISIBLE_DEVICES": "1"}
    at_work = {"other": RunInfo(name="other", gpus=("GPU-a",))}
    assert due(asked("", "", environment=only), at_work, TWO_GPUS) == [True, False]


def test_a_device_that_is_not_there_holds_nobody_up() -> None:
    lacking, other = turns(asked("gpu:7", "gpu"), {}, TWO_GPUS)
    assert "there is no gpu:7" in lacking.problem
    assert other.is_due
