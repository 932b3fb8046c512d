"""Watching a run from the command line: a progress line, or its events as JSON lines."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from kflab.commands.output import plain, print_json, verdict_lines
from kflab.diagnose.findings import Finding
from kflab.errors import KflabError
from kflab.runs import control
from kflab.runs.ending import Ending, how_it_ended
from kflab.runs.events import Epoch, Evaluated, Event, Finished, Noted, Resumed, Steered
from kflab.runs.history import Phase, RunState, said
from kflab.runs.info import CONSOLE, EVENTS
from kflab.runs.status import Status, status
from kflab.runs.tail import READ, Tail
from kflab.tui.text import duration

POLL_SECONDS = 0.1
_STATUS_SECONDS = 1.0
_BAR = 20


def follow(run_dir: Path, *, as_json: bool, owner: bool, past: int = 0) -> int:
    """Report a run until it is over; returns 0 when it is done, 1 when it stopped, failed or crashed.

    Args:
        run_dir: the run folder.
        as_json: print its events as JSON lines, the last one `finished`, instead of a progress line.
        owner: Ctrl+C asks the run to stop, and a second one ends it; otherwise it only ends the watching.
        past: so many bytes of its events are of trainers before this one, and not reported.
    """
    report = _Json(run_dir) if as_json else _Line(run_dir)
    with _interrupts(run_dir, report) if owner else contextlib.nullcontext():
        try:
            return _follow(run_dir, report, past)
        except KeyboardInterrupt:
            report.close()
            click.echo(f"still {status(run_dir)}: kflab watch {run_dir.name}", err=True)
            return 130


def _follow(run_dir: Path, report: _Json | _Line, past: int) -> int:
    tail, state = Tail(run_dir / EVENTS), RunState()
    looked, crashed = 0.0, False
    while True:
        restarts = tail.restarts
        is_past = tail.offset < past
        events = tail.read(min(READ, past - tail.offset)) if is_past else tail.read()
        if tail.restarts != restarts:
            state = RunState()
        for event in events:
            state.apply(event)
            if not is_past:
                report.event(event, state)
        if state.finished is not None and tail.at_end and tail.offset > past:
            report.close()
            return 0 if state.finished.status == "done" else 1
        if not tail.at_end:
            continue
        now = time.monotonic()
        if not events and now - looked >= _STATUS_SECONDS:
            looked = now
            if crashed:  # and what it wrote before it ended has been read since
                report.crashed(state)
                return 1
            crashed = status(run_dir) is Status.CRASHED
        report.idle(state)
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _interrupts(run_dir: Path, report: _Json | _Line) -> Iterator[None]:
    """Let the first Ctrl+C ask for a stop and the second end the trainer at once."""
    asked = False

    def handle(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            control.kill(run_dir)
            return
        asked = True
        control.ask_stop(run_dir)
        report.say("stopping after this step; Ctrl+C again ends it at once")

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _verdict(run_dir: Path) -> tuple[Finding, ...]:
    """What the run turned out to be; nothing where its folder can not be read any more."""
    from kflab.diagnose.verdict import verdict_of

    try:
        return verdict_of(run_dir)
    except (KflabError, OSError):
        return ()


def _ended(run_dir: Path) -> Ending | None:
    """How the run ended; nothing where its folder can not be read any more."""
    try:
        return how_it_ended(run_dir)
    except (KflabError, OSError):
        return None


class _Json:
    """Events as they come, the verdict before the last one."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir

    def event(self, event: Event, _state: RunState) -> None:
        if isinstance(event, Finished):
            print_json({"event": "verdict", "time": event.time, "findings": _verdict(self._run_dir)})
        print_json(event)
        sys.stdout.flush()

    def idle(self, state: RunState) -> None:
        """Nothing to say between events."""

    def say(self, text: str) -> None:
        click.echo(text, err=True)

    def crashed(self, state: RunState) -> None:
        ending = _ended(self._run_dir)
        print_json(
            {
                "event": "finished",
                "time": time.time(),
                "status": str(Status.CRASHED),
                "test": {},
                "seconds": state.seconds(time.time()),
                "cause": ending.cause if ending else "its folder is gone",
                "epochs": state.epochs_done,
                "fault": str(ending.fault) if ending else "",
                "advice": ending.advice if ending else "",
            }
        )

    def close(self) -> None:
        """Nothing is left open."""


class _Line:
    """One line that is written over on a terminal; a line an epoch elsewhere."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""
        click.echo(f"run {run_dir.name}")

    def event(self, event: Event, state: RunState) -> None:
        match event:
            case Epoch():
                rate = "" if event.learning_rate is None else f"  lr {event.learning_rate:.3g}"
                self.say(
                    f"epoch {event.epoch}/{state.epochs}  {event.seconds:.1f} s  {plain(event.logs)}{rate}"
                )
            case Noted() | Steered():
                self.say(said(event))
            case Resumed(epoch=epoch, step=step) if event.snapshot:
                self.say(f"goes on from epoch {epoch + 1}" + (f", step {step:,}" if step else ""))
            case Evaluated():
                self.say(f"test  {plain(event.logs)}")
            case Finished():
                self.say(_ending(event, self._run_dir))
                ending = _ended(self._run_dir)
                if ending is not None and ending.advice:
                    self.say(f"next: {ending.advice}")
                for line in verdict_lines(_verdict(self._run_dir)):
                    self.say(line)
            case _:
                return

    def idle(self, state: RunState) -> None:
        if self._terminal:
            self._write(_progress(state))

    def say(self, text: str) -> None:
        self._write("")
        click.echo(text)

    def crashed(self, state: RunState) -> None:
        ending = _ended(self._run_dir)
        where = f" in epoch {state.epoch}" if state.epoch else ""
        self.say(f"crashed{where}: {ending.cause if ending else 'its folder is gone'}")
        if ending is not None and ending.advice:
            self.say(f"next: {ending.advice}")
        self.say(f"what it printed is in {self._run_dir / CONSOLE}")

    def close(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if not self._terminal or text == self._shown:
            return
        width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 80
        text = text[: max(width - 1, 0)]
        sys.stdout.write(f"\r{text}{' ' * (len(self._shown) - len(text))}{'' if text else chr(13)}")
        sys.stdout.flush()
        self._shown = text


def _progress(state: RunState) -> str:
    if state.phase in {Phase.WAITING, Phase.STARTING}:
        return "starting: importing Keras"
    if state.phase is Phase.LOADING and state.loading is not None:
        loading = state.loading
        share = f" {loading.done / loading.total:.0%}" if loading.total else ""
        return f"loading {loading.source}{share}"
    if state.phase is not Phase.TRAINING:
        return ""
    done = round(state.progress * _BAR)
    left = None if state.is_paused else state.seconds_left(time.time())
    parts = [
        f"epoch {state.epoch}/{state.epochs}",
        "━" * done + "─" * (_BAR - done),
        f"step {state.step}/{state.steps}",
        plain(state.logs),
        "paused" if state.is_paused else "",
        "" if left is None else f"{duration(left)} left",
    ]
    return "  ".join(part for part in parts if part)


def _ending(event: Finished, run_dir: Path) -> str:
    cause = f": {event.cause}" if event.cause else ""
    return f"{event.status} after {duration(event.seconds)}{cause}\n{run_dir}"
