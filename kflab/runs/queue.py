"""The queue: which runs wait for a free place on the machine, and in which order. Plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kflab.errors import KflabError, UnusableInputError
from kflab.runs.process import ProcessInfo

WAYS = ("up", "down", "first", "last")
"""The words that move a run in the queue; a place, counted from 1, does so, too."""

_SHAPING = (
    "CUDA_", "JAX_", "KERAS_", "KFLAB_", "LD_", "MKL_", "NVIDIA_", "OMP_", "PYTORCH_", "TF_", "TORCH_",
    "XLA_",
)  # fmt: skip


class Waiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that waits.

    Attributes:
        name: the name of its folder.
        added: when it was put in the queue, in seconds since the epoch.
        host: the machine that it shall be trained on.
        environment: what of the environment shapes a training, as it was where it was put in the queue.
        process: the trainer that it had before it was put in the queue; as soon as it has another one, it is
            no longer waiting.
        problem: why it could not be started the last time.
    """

    name: str
    added: float = 0.0
    host: str = ""
    environment: Mapping[str, str] = {}
    process: ProcessInfo | None = None
    problem: str = ""


class Queue(msgspec.Struct, frozen=True, omit_defaults=True):
    """What waits, the next one first.

    Attributes:
        waiting: the runs that wait.
        held: nothing new is started.
    """

    waiting: tuple[Waiting, ...] = ()
    held: bool = False

    def find(self, name: str) -> Waiting | None:
        """The waiting run of that name."""
        return next((waiting for waiting in self.waiting if waiting.name == name), None)

    def place(self, name: str) -> int:
        """The place of a run, counted from 1; 0 where it does not wait."""
        return next((number for number, run in enumerate(self.waiting, 1) if run.name == name), 0)

    def startable(self, host: str) -> bool:
        """Whether something waits for a place on that machine, and may be started."""
        return not self.held and any(waiting.host == host for waiting in self.waiting)


def shaping(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment shapes a training: its devices, its libraries, Keras' own settings."""
    return {name: value for name, value in environment.items() if name.startswith(_SHAPING)}


def added(queue: Queue, new: Waiting) -> Queue:
    """The queue with one more run, at its end.

    Raises:
        KflabError: it is in the queue already.
    """
    if place := queue.place(new.name):
        raise KflabError(f"{new.name} is in the queue already, at place {place}")
    return msgspec.structs.replace(queue, waiting=(*queue.waiting, new))


def without(queue: Queue, names: Iterable[str]) -> Queue:
    """The queue without some runs."""
    gone = set(names)
    return msgspec.structs.replace(
        queue, waiting=tuple(waiting for waiting in queue.waiting if waiting.name not in gone)
    )


def replaced(queue: Queue, changed: Waiting) -> Queue:
    """The queue with something else known of a run."""
    waiting = tuple(changed if run.name == changed.name else run for run in queue.waiting)
    return msgspec.structs.replace(queue, waiting=waiting)


def moved(queue: Queue, name: str, where: str) -> Queue:
    """The queue with a run at another place.

    Args:
        queue: the queue.
        name: the run.
        where: one of `WAYS`, or a place counted from 1; beyond the end is the end.

    Raises:
        KflabError: it does not wait.
        UnusableInputError: there is no such place.
    """
    place = queue.place(name)
    if not place:
        raise not_waiting(name)
    if where.isdecimal() and int(where) >= 1:
        to = int(where)
    elif where in WAYS:
        to = {"up": place - 1, "down": place + 1, "first": 1, "last": len(queue.waiting)}[where]
    else:
        raise UnusableInputError(f"expected {', '.join(WAYS)} or a place counted from 1, got {where!r}")
    rest = [run for run in queue.waiting if run.name != name]
    rest.insert(max(to, 1) - 1, queue.waiting[place - 1])
    return msgspec.structs.replace(queue, waiting=tuple(rest))


def not_waiting(name: str) -> KflabError:
    """The error about a run that is not in the queue."""
    return KflabError(f"{name} is not in the queue; `kflab queue` lists what is")
