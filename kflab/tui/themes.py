"""The colours of the lab: one accent, one for errors, one for warnings, the rest foreground and dim."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme


def _variables(*, quiet: str, line: str, cursor: str, idle: str, ground: str) -> dict[str, str]:
    """The colours beside Textual's own: quiet words, lines, the row under the cursor; scrollbars as lines."""
    return {
        "quiet": quiet,
        "line": line,
        "cursor": cursor,
        "cursor-idle": idle,
        "scrollbar": line,
        "scrollbar-hover": quiet,
        "scrollbar-active": quiet,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
    }


DARK = Theme(
    name="kflab-dark",
    primary="#5fb8a8",
    accent="#5fb8a8",
    secondary="#8fa3ad",
    warning="#d9a94e",
    error="#e5707a",
    success="#5fb8a8",
    foreground="#d3dade",
    background="#101417",
    surface="#101417",
    panel="#1a2025",
    boost="#1a2025",
    dark=True,
    variables=_variables(quiet="#7d8a92", line="#2e383f", cursor="#1f3a38", idle="#1c2327", ground="#101417"),
)

LIGHT = Theme(
    name="kflab-light",
    primary="#0f766e",
    accent="#0f766e",
    secondary="#5b6770",
    warning="#9a6700",
    error="#b42334",
    success="#0f766e",
    foreground="#1d2529",
    background="#fafbfb",
    surface="#fafbfb",
    panel="#eef1f2",
    boost="#eef1f2",
    dark=False,
    variables=_variables(quiet="#66737b", line="#ccd4d8", cursor="#cfe8e4", idle="#e9edef", ground="#fafbfb"),
)

PLAIN = Theme(
    name="kflab-16",
    ansi=True,
    primary="ansi_cyan",
    accent="ansi_cyan",
    secondary="ansi_default",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "quiet": "ansi_default",
        "line": "ansi_bright_black",
        "cursor": "ansi_cyan",
        "cursor-idle": "ansi_default",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_white",
        "scrollbar-active": "ansi_white",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_cyan",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "none",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_cyan",
        "screen-selection-foreground": "ansi_black",
    },
)

THEMES = (DARK, LIGHT, PLAIN)


def choose(colors: str | None, environment: Mapping[str, str]) -> Theme:
    """The theme that a terminal can show.

    Args:
        colors: the colour system that Rich found: `truecolor`, `256`, `standard`, or None.
        environment: the environment variables; `KFLAB_THEME` names a theme.
    """
    wanted = environment.get("KFLAB_THEME", "")
    for theme in THEMES:
        if theme.name in {wanted, f"kflab-{wanted}"}:
            return theme
    return PLAIN if colors == "standard" and "NO_COLOR" not in environment else DARK
