"""`kflab run --plan`: how the steps of a run would be made, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from kflab import paths
from kflab.commands import arguments
from kflab.commands.output import print_json

if TYPE_CHECKING:
    from kflab.runs.events import Planned


def tell_plan(named: arguments.Named, backend: str | None, device: str | None, *, as_json: bool) -> int:
    """Measure the plan of an experiment in this process, as its trainer would, and print it.

    Args:
        named: the experiment, which can be trained.
        backend: Keras' backend; nothing given: that of the environment or the settings.
        device: what it runs on; nothing given: that of the environment or the settings.
        as_json: as one object instead of lines.

    Raises:
        KflabError: data or model cannot be used.
    """
    from kflab.commands.choosing import to_run_on
    from kflab.commands.native import native_output_to

    chosen, place = to_run_on(backend, device)
    with native_output_to(paths.state_dir() / "engine.log", beside_runs=False):
        from kflab.runs.placing import place_this_process

        devices = place_this_process(chosen, place)
        from kflab.train.trying_plan import try_plan

        planned = try_plan(named.experiment, named.base)
    if as_json:
        print_json({"backend": chosen, "devices": devices, **_as_object(planned)})
    else:
        click.echo(f"plan on {chosen}, {' and '.join(devices)}")
        click.echo("\n".join(plan_lines(planned)))
    return 0


def plan_lines(planned: Planned) -> Iterator[str]:
    """A plan as lines: its parts, how long steps took, and the reasons."""
    plan = planned.plan
    yield f"  steps_per_execution  {plan.steps_per_execution}"
    yield f"  data                 {plan.data}"
    yield f"  jit_compile          {str(plan.jit_compile).lower()}"
    if planned.step_seconds:
        yield f"a step takes (measured in {planned.seconds:.1f} s)"
        for name, seconds in planned.step_seconds.items():
            yield f"  {seconds * 1e3:8.3f} ms  {name}"
    yield "because"
    for reason in planned.reasons:
        yield f"  {reason}"


def _as_object(planned: Planned) -> dict[str, object]:
    plan = planned.plan
    return {
        "plan": {
            "steps_per_execution": plan.steps_per_execution,
            "data": plan.data,
            "jit_compile": plan.jit_compile,
        },
        "reasons": list(planned.reasons),
        "seconds": planned.seconds,
        "step_seconds": dict(planned.step_seconds),
    }
