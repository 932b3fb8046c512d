"""How findings spell shapes, names and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def shape_text(shape: Sequence[int | None]) -> str:
    """A shape as a person reads it, its batch axis left out: `8×8×1`; an unknown axis is `?`."""
    if len(shape) < 2:
        return "a single number"
    return "×".join("?" if size is None else str(size) for size in shape[1:])


def sizes_text(sizes: int | Iterable[int]) -> str:
    """Sizes along several axes: `3×3` of (3, 3)."""
    return str(sizes) if isinstance(sizes, int) else "×".join(map(str, sizes))


def count_text(count: int, what: str) -> str:
    """A count and its noun: `1 input`, `3 inputs`, `no inputs`; `2 axes`."""
    plural = f"{what[:-2]}es" if what.endswith("is") else f"{what}s"
    return f"{count or 'no'} {what if count == 1 else plural}"


def and_text(parts: Sequence[str]) -> str:
    """Parts as a phrase: `a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
