"""Places on the machine that runs wait for: a GPU each, all GPUs, or the one place on the CPU."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from kflab.runs.devices import CPU, DeviceError, choose
from kflab.runs.gpus import Gpu
from kflab.runs.info import RunInfo


class Machine(NamedTuple):
    """What can be trained on.

    Attributes:
        gpus: the GPUs, as their driver tells of them now.
        problem: why there are none.
    """

    gpus: Sequence[Gpu] = ()
    problem: str = ""


class Wish(NamedTuple):
    """A run that waits, and what it is to be started with."""

    name: str
    info: RunInfo
    environment: Mapping[str, str]


class Turn(NamedTuple):
    """What became of a wish.

    Attributes:
        waits_for: what it waits for: `cpu`, or names of GPUs; empty where it can be started now.
        behind: the runs that have these or get them first; none where it is somebody else who has them.
        problem: why it cannot be started at all, as things are.
    """

    waits_for: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_due(self) -> bool:
        """Whether it can be started now."""
        return not self.waits_for and not self.problem


def turns(wishes: Iterable[Wish], at_work: Mapping[str, RunInfo], machine: Machine) -> list[Turn]:
    """What each of the waiting runs has to wait for, if all that can be started now are.

    Order is kept for each place: what the first one waits for is not given to a later one, so that a run that
    needs all GPUs gets them in the end. Runs at work have their places however they were started, and a GPU
    that somebody else computes on is not free.

    Args:
        wishes: the runs that wait, the next one first.
        at_work: the runs that have a trainer on this machine, by name.
        machine: what there is.
    """
    taken = {place: name for name, info in at_work.items() for place in (info.gpus or (CPU,))}
    found = []
    for wish in wishes:
        turn, wanted = _turn(wish, taken, machine)
        found.append(turn)
        taken.update((place, wish.name) for place in wanted)
    return found


def _turn(wish: Wish, taken: Mapping[str, str], machine: Machine) -> tuple[Turn, Collection[str]]:
    """What a wish waits for, and the places that it wants: UUIDs of GPUs, or `cpu`."""
    info = wish.info
    try:
        chosen = choose(
            info.device, info.backend, wish.environment, machine.gpus, machine.problem, taken=taken
        )
    except DeviceError as error:
        return Turn(problem=str(error)), ()
    named = dict(zip(chosen.uuids, chosen.names, strict=True)) if chosen.uuids else {CPU: CPU}
    busy = {gpu.uuid for gpu in machine.gpus if gpu.is_busy}.union(taken)
    lacking = [place for place in named if place in busy]
    behind = dict.fromkeys(taken[place] for place in lacking if place in taken)
    return Turn(tuple(named[place] for place in lacking), tuple(behind)), named.keys()
