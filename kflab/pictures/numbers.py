"""Numbers in few places."""

from __future__ import annotations

import math


def number_text(value: float | None, places: int = 7) -> str:
    """A number in few places: `0.3125`, `1,515`, `1.2e-07`; what is missing is `–`."""
    if value is None or math.isnan(value):
        return "–"
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value.is_integer() and abs(value) < 10 ** min(places, 15):
        text = f"{int(value):,}"
        return text if len(text) <= places + 2 else f"{int(value)}"
    size = abs(value)
    if 1e-4 <= size < 10 ** (places - 2):
        return f"{value:.4g}" if size < 1000 else f"{value:,.1f}"
    return f"{value:.2e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def share_text(part: float) -> str:
    """A fraction as `23 %`, `0.4 %`, `<0.1 %`; nothing where it is 0."""
    if part <= 0:
        return ""
    percent = 100 * part
    if percent < 0.1:
        return "<0.1 %"
    return f"{percent:.1f} %" if percent < 10 and not float(percent).is_integer() else f"{percent:.0f} %"
