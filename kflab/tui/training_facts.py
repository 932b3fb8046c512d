"""What the training pane says of a run in words: the facts of its title, and its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kflab.diagnose.findings import Finding, Severity
from kflab.runs.ending import Ending
from kflab.runs.events import Fault, Logs, Usage
from kflab.runs.history import Phase, RunState
from kflab.runs.names import VALIDATION
from kflab.runs.status import Status
from kflab.tui import keys
from kflab.tui.axes import short_number
from kflab.tui.lines import Line, Part, Run, cut
from kflab.tui.logtail import one_line
from kflab.tui.marks import MARKS
from kflab.tui.text import bytes_text, duration, plural, rate_text

BAR_WIDTHS = (20, 14, 8)

_PARTS = {Severity.ERROR: Part.ERROR, Severity.WARNING: Part.WARNING, Severity.INFO: Part.QUIET}


class Fact(NamedTuple):
    """One fact of the title. The one with the highest rank goes first where there is no room for all."""

    text: str
    rank: int
    part: Part = Part.FACT


def progress_bar(progress: float, width: int) -> tuple[Run, Run]:
    """A bar in half columns: what is done, and the rest."""
    halves = round(min(max(progress, 0.0), 1.0) * width * 2)
    done = "━" * (halves // 2) + "╸" * (halves % 2)
    return Run(done, Part.ACCENT), Run("─" * (width - len(done)), Part.EDGE)


def facts(state: RunState, status: Status, now: float) -> list[Fact]:
    """What the title says of a run after its name, in order."""
    if status.is_over:
        return _facts_of_the_end(state, status)
    if state.phase is not Phase.TRAINING:
        return [Fact(*_start(state, status, now))]
    found = [Fact(f"epoch {state.epoch:,}/{state.epochs:,}", 0)]
    if state.is_paused:
        found.append(Fact("paused", 1, Part.WARNING))
    stopping = next((made for made in reversed(state.steered) if made.request == "stop"), None)
    if stopping is not None and stopping.value is not None:
        found.append(Fact(f"stopping after epoch {int(stopping.value):,}", 1, Part.WARNING))
    elif status is Status.STOPPING:
        found.append(Fact("stopping after this step", 1, Part.WARNING))
    elif (left := state.seconds_left(now)) is not None:
        found.append(Fact("nearly done" if left < 0.5 else f"{duration(left)} left", 2))
    if state.learning_rate.last is not None:
        found.append(Fact(f"lr {rate_text(state.learning_rate.last)}", 4))
    if state.usage is not None:
        found.append(Fact(usage_text(state.usage), 6, Part.QUIET))
    if state.planned is not None:
        found.append(Fact(str(state.planned.plan), 7, Part.QUIET))
    return found + _best(state)


def usage_text(usage: Usage) -> str:
    """How busy the machine is, in a few words: `gpu 93 % · 61 °C · 7.8/24 GB`, or the processor without one.

    Of several GPUs, the least busy and the hottest count, and the memory of the fullest.
    """
    if not usage.devices:
        return f"cpu {usage.cpu:.0f} % · {bytes_text(usage.memory)}"
    found: list[str] = []
    name = "gpu" if len(usage.devices) == 1 else f"{len(usage.devices)} gpus"
    rates = [one.utilisation for one in usage.devices if one.utilisation is not None]
    found.append(f"{name} {min(rates):.0f} %" if rates else name)
    if heats := [one.temperature for one in usage.devices if one.temperature is not None]:
        found.append(f"{max(heats):.0f} °C")
    memories = [(one.memory, one.memory_total) for one in usage.devices if one.memory and one.memory_total]
    if memories:
        taken, total = max(memories, key=lambda memory: memory[0] / memory[1])
        found.append(f"{taken / 1e9:.1f}/{total / 1e9:.0f} GB")
    return " · ".join(found)


def _start(state: RunState, status: Status, now: float) -> tuple[str, int, Part]:
    loading = state.loading
    if status is Status.STOPPING:
        return "stopping", 0, Part.WARNING
    if status is Status.CREATED:
        return "waiting for a trainer", 0, Part.QUIET
    if status is Status.QUEUED:
        return "in the queue until its turn comes; R shows what it waits for", 0, Part.QUIET
    if state.phase is Phase.LOADING and loading:
        amount = f"  {bytes_text(loading.done)}" if loading.done else ""
        amount += f" of {bytes_text(loading.total)}" if loading.done and loading.total else ""
        return f"loading {one_line(loading.source)}{amount}", 0, Part.ACCENT
    seconds = state.seconds(now)
    # Keras takes seconds to import, and longer on a cold disk: the count shows that it is not stuck.
    return f"importing Keras…{f' {duration(seconds)}' if seconds >= 1 else ''}", 0, Part.ACCENT


def _facts_of_the_end(state: RunState, status: Status) -> list[Fact]:
    done, planned = state.epochs_done, state.epochs
    seconds = state.finished.seconds if state.finished else state.seconds(state.updated)
    span = f" in {duration(seconds)}" if seconds else ""
    count = plural(done, "epoch") if done == planned or not planned else f"{done:,} of {planned:,} epochs"
    if status is Status.DONE:
        found = [Fact("done", 0, Part.ACCENT), Fact(f"{count}{span}", 3)]
    elif status is Status.STOPPED:
        found = [Fact("stopped", 0, Part.WARNING), Fact(f"after {count}{span}", 3)]
    else:
        word = "failed" if status is Status.FAILED else "crashed"
        found = [Fact(word, 0, Part.ERROR)] + ([Fact(f"after {count}{span}", 3)] if planned else [])
    if state.test:
        found.append(Fact(f"test {values(state.test)}", 1, Part.TITLE))
    return found + _best(state)


def values(logs: Logs, width: int = 60) -> str:
    """Metrics first, the loss last: `accuracy 0.9644 · loss 0.1203`; as many as fit into `width` columns."""
    # The logs of a model with several outputs hold the metrics of each as well: the plain ones lead.
    names = sorted(logs, key=lambda name: (name.endswith("loss"), name.count("_")))
    text = ""
    for name in names:
        number = "nan" if (value := logs[name]) is None else short_number(value)
        more = f"{text}{' · ' if text else ''}{one_line(name)} {number}"
        if text and len(more) > width:
            continue
        text = more
    return text


def _best(state: RunState) -> list[Fact]:
    for name in (f"{VALIDATION}loss", "loss"):
        if best := state.best.get(name):
            return [Fact(f"{name} {short_number(best.value)} (best, epoch {best.epoch:,})", 5)]
    return []


def verdict_lines(found: Sequence[Finding], width: int, most: int = 2) -> list[Line]:
    """What a run turned out to be, a line each, `most` of them; the last says where the rest is."""
    lines: list[Line] = []
    # Beside what matters most, what only explains is for the list.
    shown = [*found[:1], *(finding for finding in found[1:] if finding.severity is not Severity.INFO)][:most]
    for number, finding in enumerate(shown, start=1):
        left = len(found) - number
        command = keys.find("problems")
        more = f"  {left} more on {command.key_text}" if left and number == len(shown) and command else ""
        mark = f"{MARKS[finding.severity]} "
        code = f"{finding.code} " if finding.code else ""
        words = cut(one_line(finding.message), max(width - len(mark) - len(code) - len(more), 1))
        lines.append(
            (
                Run(mark, _PARTS[finding.severity]),
                Run(code, Part.QUIET),
                Run(words, Part.FACT),
                Run(more, Part.QUIET),
            )
        )
    return lines


def verdict(state: RunState, status: Status, problem: str = "", ending: Ending | None = None) -> list[Run]:
    """What a person has to know about a run that is over and not done, and what to do, one line each."""
    if problem:
        return [Run(f"This run cannot be followed: {problem}", Part.ERROR)]
    said = []
    cause = ending.cause if ending else state.finished.cause if state.finished else ""
    fault = ending.fault if ending else Fault.NONE
    if status is Status.FAILED:
        said = [Run(f"Failed: {one_line(cause) or 'no cause was given'}", Part.ERROR)]
    elif status is Status.CRASHED:
        said = [Run(f"Crashed: {one_line(cause) or 'the trainer ended without a word'}.", Part.ERROR)]
    elif status is Status.STOPPED and fault is not Fault.NONE:
        said = [Run(f"Stopped: {one_line(cause)}", Part.WARNING)]
    if ending and ending.advice:
        said.append(Run(f"Next: {one_line(ending.advice)}.", Part.FACT))
    if status is Status.CRASHED or (status is Status.FAILED and fault is Fault.NONE):
        command = keys.find("console")
        look = f"; {command.key_text} shows it" if command and command.keys else ""
        what = "The traceback" if status is Status.FAILED else "The last it printed"
        said.append(Run(f"{what} is in the console.log of the run{look}.", Part.QUIET))
    return said
