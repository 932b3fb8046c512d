"""How fast a run goes and how long it will take."""

from __future__ import annotations

from collections import deque

_EPOCHS = 5  # so many epochs back say how long the next one takes
_SECONDS = 5.0  # so far back the steps say how fast it goes now


class Pace:
    """Steps a second and time left, from the times of events.

    The first epoch traces and compiles, so it stops counting as soon as there is another.
    """

    def __init__(self) -> None:
        self._epochs = 0
        self._steps = 0
        self._step = 0
        self._epoch = 1
        self._epoch_start = 0.0
        self._last = 0.0
        self._recent: deque[tuple[float, int]] = deque()
        self._whole: deque[float] = deque(maxlen=_EPOCHS)
        self._training: deque[float] = deque(maxlen=_EPOCHS)
        self._first = True
        self._paused_at: float | None = None
        self._begun = 0

    def prepared(self, time: float, epochs: int, steps: int) -> None:
        """The first step follows."""
        self._epochs, self._steps, self._epoch_start, self._last = epochs, steps, time, time
        self._paused_at = None

    def resumed(self, time: float, epoch: int, step: int) -> None:
        """So many steps are done of an epoch, counted from 1, in which a trainer goes on."""
        self._epoch, self._step, self._begun, self._epoch_start, self._last = epoch, step, step, time, time
        self._recent.clear()

    def more(self, epochs: int) -> None:
        """There will be so many epochs in all."""
        self._epochs = epochs

    def pause(self, time: float) -> None:
        """No steps are made from now on."""
        if self._paused_at is None:
            self._paused_at = time

    def go_on(self, time: float) -> None:
        """Steps are made again; the time in between counts for nothing."""
        if self._paused_at is None:
            return
        away = max(time - self._paused_at, 0.0)
        self._paused_at = None
        self._epoch_start += away
        self._last += away
        self._recent.clear()

    def batch(self, time: float, epoch: int, step: int) -> None:
        """A step is done."""
        if epoch != self._epoch:
            self._recent.clear()
        self._epoch, self._step, self._last = epoch, step, time
        self._recent.append((time, step))
        while len(self._recent) > 2 and time - self._recent[0][0] > _SECONDS:
            self._recent.popleft()

    def epoch(self, time: float, epoch: int, seconds: float) -> None:
        """An epoch is done, validation included."""
        if len(self._whole) == 1 and self._first:
            self._whole.clear()
            self._training.clear()
            self._first = False
        self._whole.append(seconds)
        trained = self._last - self._epoch_start if self._recent and self._steps else seconds
        done = (self._step - self._begun) / self._steps if self._recent and self._steps else 1.0
        self._training.append(min(seconds, trained / done if done else seconds))
        self._epoch, self._step, self._begun, self._epoch_start, self._last = epoch + 1, 0, 0, time, time
        self._recent.clear()

    @property
    def steps_per_second(self) -> float | None:
        """How many steps a second it makes now; None as long as that cannot be told."""
        if len(self._recent) >= 2:
            (start, first), (end, last) = self._recent[0], self._recent[-1]
            if end > start and last > first:
                return (last - first) / (end - start)
        if self._training and self._training[-1] > 0 and self._steps:
            return self._steps / self._training[-1]
        return None

    def seconds_left(self, now: float) -> float | None:
        """How long the rest will take, seen from `now`; None as long as that cannot be told."""
        if not self._epochs:
            return None
        if self._whole:
            whole = sum(self._whole) / len(self._whole)
            training = sum(self._training) / len(self._training)
        else:
            rate = self.steps_per_second
            if not rate:
                return None
            whole = training = self._steps / rate
        if self._epoch > self._epochs:
            return 0.0
        done = self._step / self._steps if self._steps else 0.0
        now = now if self._paused_at is None else self._paused_at
        at_last_event = (self._epochs - self._epoch + 1) * whole - done * training
        return max(at_last_event - max(now - self._last, 0.0), 0.0)
