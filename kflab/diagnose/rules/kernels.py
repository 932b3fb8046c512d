"""The rule about kernels and pools that are larger than what they go over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, SetArguments
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import WRAPPED, Failed, failures, value_of, wrapped
from kflab.diagnose.wording import shape_text, sizes_text
from kflab.engine.protocol import Shape
from kflab.values import Arguments, Value

_WINDOWS = ("kernel_size", "pool_size")
_VALID = "valid"


@rule("KF007", "window-larger-than-map", Severity.ERROR)
def window_larger_than_map(facts: Facts) -> Iterator[Finding]:
    """A kernel or a pool is larger than the map that it goes over, so that nothing is left.

    With `padding: valid`, the default, a kernel of k makes a map smaller by k - 1, and a pool of 2 halves it.
    After a few of them a small image is used up. Keras says "computed output size would be zero or negative".

        image: {Input: {shape: [4, 4, 1]}}
        conv:  {Conv2D: {filters: 8, kernel_size: 5}, from: image}

    Pad the map, take a smaller kernel, or take a layer that makes it smaller out:

        conv:  {Conv2D: {filters: 8, kernel_size: 5, padding: same}, from: image}
    """
    for failed in failures(facts):
        if len(failed.shapes) != 1:
            continue
        called, arguments = _inner(failed)
        window = next((name for name in _WINDOWS if value_of(called, arguments, name) is not None), "")
        if not window or str(value_of(called, arguments, "padding") or _VALID).lower() != _VALID:
            continue
        sizes = _map_sizes(called, arguments, failed.shapes[0])
        kernel = _as_sizes(value_of(called, arguments, window), len(sizes))
        dilation = _as_sizes(value_of(called, arguments, "dilation_rate") or 1, len(sizes))
        if not sizes or not kernel or not dilation:
            continue
        reach = [(size - 1) * rate + 1 for size, rate in zip(kernel, dilation, strict=True)]
        if not any(size is not None and size < wide for size, wide in zip(sizes, reach, strict=True)):
            continue
        spread = f" reaches over {sizes_text(reach)} with its dilation and" if reach != kernel else ""
        yield Finding(
            f"{window} {sizes_text(kernel)}{spread} does not fit the map of "
            f"{shape_text((None, *sizes))} that it goes over ({called} got {shape_text(failed.shapes[0])})",
            failed.severity,
            failed.graph_name,
            failed.name,
            fix=Fix("use padding: same", (_padded(failed),)),
            explains=(failed.name,),
        )


def _inner(failed: Failed) -> tuple[str, Arguments]:
    return wrapped(failed.arguments) or (failed.called, failed.arguments)


def _padded(failed: Failed) -> SetArguments:
    inner = wrapped(failed.arguments)
    changed: Arguments = {"padding": "same"}
    if inner is not None:
        changed = {WRAPPED: {inner[0]: {**inner[1], **changed}}}
    return SetArguments(failed.name, changed, graph=failed.graph_name)


def _map_sizes(called: str, arguments: Arguments, shape: Shape) -> Shape:
    """The sizes that a window goes over: the last axes but for the channels."""
    digits = [character for character in called if character in "123"]
    count = int(digits[-1]) if digits else len(shape) - 2
    if count < 1 or len(shape) < count + 2:
        return ()
    first = value_of(called, arguments, "data_format") == "channels_first"
    return shape[-count:] if first else shape[-count - 1 : -1]


def _as_sizes(value: Value, count: int) -> list[int]:
    """One size for each axis, of one number or of several; none where that is not what is given."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value] * count
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    sizes = [size for size in value if isinstance(size, int)]
    return sizes if len(sizes) == count else [sizes[0]] * count if len(set(sizes)) == 1 else []
