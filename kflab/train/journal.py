"""A run's events as the trainer writes them, and the requests it heeds."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from kflab.runs.control import Stop, kind_of
from kflab.runs.disk import LastWords
from kflab.runs.events import Event, Loading, Noted, Steered
from kflab.runs.info import EVENTS
from kflab.runs.lines import LineWriter
from kflab.runs.requests import Asked, NoRequest, Requests

INTERVAL = 0.1
"""Seconds between two events of a kind that comes often."""


class StopRequestedError(Exception):
    """A stop was asked for at a moment when there is nothing to keep yet."""


class Journal:
    """Writes a run's events, and knows whether a stop was asked for.

    Args:
        run_dir: the run folder.

    Attributes:
        answered: the ids of the requests that were done.
        seconds_before: how long trainers were at work on the run before this one.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.answered: list[str] = []
        self.seconds_before = 0.0
        self._start = time.time() - time.monotonic()
        self._requests = Requests(run_dir)
        self._events = LineWriter(run_dir / EVENTS)
        self._last_words = LastWords(run_dir)
        self._loading: tuple[str, float] = ("", 0.0)

    def write(self, event: Event) -> None:
        """Writes one event, at the time of the trainer's own clock, which nobody sets."""
        self._events.write(msgspec.structs.replace(event, time=self._now()))

    def write_last(self, event: Event) -> None:
        """Writes the event that says how it ended, for which there is room on a full disk, too."""
        self._last_words.release()
        self.write(event)

    def _now(self) -> float:
        # What is told by the times of events, as steps a second, must not be wrong when the clock is set.
        return self._start + time.monotonic()

    def note(self, text: str) -> None:
        """Writes what a person wants to know, to the console, too."""
        self.write(Noted(time=time.time(), text=text))
        print(text, flush=True)  # noqa: T201 - the console log is the trainer's standard output

    def loading(self, source: str, done: int = 0, total: int = 0) -> None:
        """Writes how far loading is, 10 times a second at most; fits what `kflab.data` reports to.

        Raises:
            StopRequestedError: a stop was asked for.
        """
        self.check_stop()
        now = time.monotonic()
        last_source, last_time = self._loading
        if source != last_source or now - last_time >= INTERVAL or (total and done >= total):
            self._loading = (source, now)
            self.write(Loading(time=time.time(), source=source, done=done, total=total))

    def requests(self) -> list[Asked]:
        """What was asked since the last call, to be answered each; cheap enough for every step."""
        return self._requests.take()

    def answer(self, answer: Steered) -> None:
        """Writes what became of a request, to the console, too."""
        self.write(answer)
        if answer.id and not answer.refused:
            self.answered.append(answer.id)
        said = f"not done: {answer.refused}" if answer.refused else answer.text
        print(f"asked for {answer.request}: {said}", flush=True)  # noqa: T201 - the console log, as for notes

    def refuse_rest(self, reason: str) -> None:
        """Answers what was asked and can not be done any more."""
        for asked in self.requests():
            if not isinstance(asked, Stop):
                self.answer(refused(asked, reason))

    def stop_asked(self) -> bool:
        """Whether a stop was asked for; cheap enough for every step."""
        return self._requests.stop_asked()

    def check_stop(self) -> None:
        """Ends what is under way when a stop was asked for.

        Raises:
            StopRequestedError: it was.
        """
        if not self.stop_asked():
            return
        for asked in self.requests():
            if isinstance(asked, Stop):
                self.answer(
                    Steered(time.time(), kind_of(asked), text="stopped before the first step", id=asked.id)
                )
            else:
                self.answer(refused(asked, "the run was asked to stop before its first step"))
        raise StopRequestedError

    def close(self) -> None:
        """Closes the file of events."""
        self._last_words.release()
        self._events.close()


def refused(asked: Asked, reason: str = "", *, epoch: int = 0, step: int = 0) -> Steered:
    """The answer to what is not done.

    Args:
        asked: the request.
        reason: why not; a line that is no request says that itself.
        epoch: the epochs that are done.
        step: the steps of the next one that are done.
    """
    if isinstance(asked, NoRequest):
        return Steered(time.time(), "unknown", epoch, step, refused=asked.reason, id=asked.id)
    return Steered(time.time(), kind_of(asked), epoch, step, refused=reason, id=asked.id)
