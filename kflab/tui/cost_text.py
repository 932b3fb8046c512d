"""What training will cost in words: memory by what it is for, work by node, and what a smoke step took."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from kflab.engine.protocol import Cost, LayerCost, Smoked, SmokeResult
from kflab.tui.axes import short_number
from kflab.tui.session import Session
from kflab.tui.text import bytes_text, count_text, duration, fit, fit_middle, plural, share_text

Line: TypeAlias = Sequence[tuple[str, str]]
"""Pieces of text, each with the part of the look that it is."""

UNKNOWN = "–"
"""What stands for a figure that is not known."""

NEAR_CHANCE = 0.5
"""How far, as a fraction of it, the first loss may be from what chance gives before it is worth a word."""

NEARLY_FULL = 0.8
"""The fraction of a device's memory above which training may fail all the same."""

_NAME = 17
_AMOUNT = 9
_BESIDE = 2 + _NAME + _AMOUNT + 3
_MOST_NODES = 6


def cost_lines(session: Session, width: int) -> list[Line]:
    """What is known of the cost before anything has run.

    Args:
        session: the session, with the engine's report.
        width: the places of a line.
    """
    cost = session.report.cost if session.report else Cost()
    quiet = "quiet" if session.stale else ""
    return [*_memory(session, cost, width, quiet), (), *_work(session, cost, width, quiet)]


def node_lines(session: Session, width: int) -> list[Line]:
    """The nodes that cost the most; nothing where that is not known."""
    cost = session.report.cost if session.report else Cost()
    return list(_nodes(session, cost, width, "quiet" if session.stale else ""))


def _memory(session: Session, cost: Cost, width: int, part: str) -> Iterator[Line]:
    training, memory = session.experiment.training, cost.memory
    totals = session.report.model.totals if session.report else None
    yield (("Memory of training", "strong"),)
    trained = f"{totals.trainable:,} of them" if totals and totals.non_trainable else "all"
    weights = f"{plural(totals.total, 'parameter')}, {trained} trained" if totals else ""
    rows = (
        ("weights", memory.weights, weights),
        ("gradients", memory.gradients, "of those trained, and an update"),
        ("slots", memory.slots, f"what {training.optimizer.name} keeps"),
        ("activations", memory.activations, f"of a batch of {training.batch_size:,}"),
        ("batch", memory.batch, "the samples under way"),
        ("runtime", memory.runtime, "the compiled steps"),
    )
    for name, amount, words in rows:
        if name == "runtime" and memory.total and not amount:
            continue  # a GPU's memory holds none of it
        yield from _row(name, bytes_text(amount) if memory.total else UNKNOWN, words, width, part)
    where = f"of {bytes_text(cost.available)} on {cost.device or 'this machine'}" if cost.available else ""
    together = bytes_text(memory.total) if memory.total else UNKNOWN
    yield from _row("together", together, where, width, part or "strong")
    if cost.available and memory.total:
        yield _bar(memory.total, cost.available, width)


def _bar(total: int, available: int, width: int) -> Line:
    room = max(min(width - 2 - 6, 60), 1)
    filled = min(round(room * total / available), room)
    part = "error" if total > available else "warning" if total > NEARLY_FULL * available else "accent"
    words = share_text(total, available).rjust(6)
    return (("  ", ""), ("━" * filled, part), ("─" * (room - filled), "quiet"), (words, part))


def _work(session: Session, cost: Cost, width: int, part: str) -> Iterator[Line]:
    batch = session.experiment.training.batch_size
    yield (("Work", "strong"),)
    known = bool(cost.flops)
    sample = count_text(cost.flops, narrow=True) if known else UNKNOWN
    yield from _row("a sample", sample, "FLOP forward", width, part)
    # Going back, each product asks for two: one for the weights, one for what came before.
    step = count_text(3 * cost.flops * batch, narrow=True) if known else UNKNOWN
    yield from _row("a step", step, f"FLOP forward and backward, {plural(batch, 'sample')}", width, part)


def _nodes(session: Session, cost: Cost, width: int, part: str) -> Iterator[Line]:
    costly = most_costly(cost)
    if not costly:
        return
    room = max(width - 2 - 2 * (_AMOUNT + 2) - 12, 12)
    name_width = min(max(len(_place(node)) for node in costly), room // 2)
    yield (
        ("What costs the most".ljust(2 + room), "strong"),
        ("FLOP".rjust(_AMOUNT + 2) + "".rjust(6) + "memory".rjust(_AMOUNT + 2), "quiet"),
    )
    report = session.report
    for node in costly:
        graph = (report.models.get(node.graph) if node.graph else report.model) if report else None
        said = graph.nodes.get(node.node) if graph else None
        name = fit_middle(_place(node), name_width).ljust(name_width)
        layer = fit(said.layer if said else "", max(room - name_width - 2, 0)).ljust(room - name_width - 2)
        flops = count_text(node.flops, narrow=True) if node.flops else UNKNOWN
        yield (
            (f"  {name}", part),
            (f"  {layer}", "quiet"),
            (flops.rjust(_AMOUNT + 2), part),
            (share_text(node.flops, cost.flops).rjust(6), "quiet"),
            ((bytes_text(node.bytes) if node.bytes else UNKNOWN).rjust(_AMOUNT + 2), part),
        )
    left = len(cost.nodes) - len(costly)
    if left > 0:
        yield ((f"  and {plural(left, 'node')} more", "quiet"),)


def most_costly(cost: Cost) -> list[LayerCost]:
    """The nodes with the largest share of the work or of the memory, the largest first."""
    work = sum(node.flops for node in cost.nodes) or 1
    memory = sum(node.bytes for node in cost.nodes) or 1
    ranked = sorted(cost.nodes, key=lambda node: max(node.flops / work, node.bytes / memory), reverse=True)
    return [node for node in ranked[:_MOST_NODES] if node.flops or node.bytes]


def _place(node: LayerCost) -> str:
    return f"{node.graph}/{node.node}" if node.graph else node.node


def smoke_lines(
    session: Session, width: int, *, running: float | None, problem: str = "", key: str = "K"
) -> list[Line]:
    """What a smoke step measured, or how to make one.

    Args:
        session: the session, with what was measured last.
        width: the places of a line.
        running: the seconds that one has been under way for; None while there is none.
        problem: why the last one failed.
        key: the key that starts one.
    """
    title: Line = (("A smoke step", "strong"),)
    if running is not None:
        return [title, (("  one real batch, forward and backward… ", "accent"), (duration(running), "quiet"))]
    if problem:
        return [title, (("  ✗ ", "error"), (problem, "")), _offer(key, "tries again")]
    smoked = session.smoked
    if smoked is None:
        words = "runs one real batch forward and backward, and says how long an epoch takes"
        return [title, _offer(key, words)]
    if smoked.result is None:
        found = [
            (
                ("  ✗ ", "error"),
                (f"{finding.place}: " if finding.place else "", "strong"),
                (finding.message, ""),
            )
            for finding in smoked.findings
        ]
        return [title, *found, _offer(key, "tries again")]
    old = session.smoked_of is not session.experiment
    lines = list(_measured(session, smoked, smoked.result, width))
    if old:
        lines = [tuple((words, "quiet") for words, _ in line) for line in lines]
        lines.append(_offer(key, "measures again: the experiment has changed since"))
    return [title, *lines]


def _offer(key: str, words: str) -> Line:
    return ((f"  {key} ", "accent"), (words, "quiet"))


def _measured(session: Session, smoked: Smoked, result: SmokeResult, width: int) -> Iterator[Line]:
    epochs = (session.smoked_of or session.experiment).training.epochs
    first = f"the first, which compiles it, {span_text(result.first_step_seconds)}"
    yield from _row("a step", span_text(result.step_seconds), first, width)
    amount, words, part = loss_words(result)
    yield from _row("first loss", amount, words, width, part)
    if result.epoch_seconds:
        steps = f"{plural(result.steps, 'step')}, validation included"
        yield from _row("an epoch", span_text(result.epoch_seconds), steps, width)
    if result.run_seconds:
        yield from _row("the run", span_text(result.run_seconds), plural(epochs, "epoch"), width)
    if result.peak_bytes:
        taken = f"taken on {result.device or 'this machine'}"
        yield from _row("memory", bytes_text(result.peak_bytes), taken, width)
    for finding in smoked.findings:
        yield (("  ▲ ", "warning"), (finding.message, ""))


def loss_words(result: SmokeResult) -> tuple[str, str, str]:
    """The first loss, what to think of it, and the part of the look that it is."""
    loss, chance = result.loss, result.chance
    if loss is None:
        return "nan", "no finite number: the data, the loss or the scale of the inputs is wrong", "error"
    number = short_number(loss)
    if chance is None:
        return number, "", ""
    if abs(loss - chance) <= NEAR_CHANCE * abs(chance):
        return number, f"near what chance gives, {short_number(chance)}", ""
    if loss > chance:
        words = f"chance gives {short_number(chance)}: are the inputs scaled, does the output fit the loss?"
        return number, words, "warning"
    return number, f"below what chance gives, {short_number(chance)}", ""


def span_text(seconds: float) -> str:
    """A time span, in milliseconds where it is short: `3.2 ms`, `12 s`."""
    if seconds >= 9.95:
        return duration(seconds)
    if seconds >= 0.95:
        return f"{seconds:.1f} s"
    milliseconds = 1000 * seconds
    return f"{milliseconds:.{0 if milliseconds >= 10 else 1}f} ms"


def _row(name: str, amount: str, words: str, width: int, part: str = "") -> Iterator[Line]:
    """A name, its amount, and words beside it, wrapped in their own column."""
    first, *rest = textwrap.wrap(words, max(width - _BESIDE, 20)) or [""]
    beside = f"   {first}" if first else ""
    yield ((f"  {name:<{_NAME}}", "quiet"), (amount.rjust(_AMOUNT), part), (beside, "quiet"))
    for more in rest:
        yield ((" " * _BESIDE + more, "quiet"),)
