"""The lab without a terminal: presses keys, waits for text, takes a picture."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from kflab.errors import UnusableInputError
from kflab.tui.app import Lab, Recovery
from kflab.tui.engine_link import MakeEngine

_NAMES = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "⌫": "backspace",
}
_WAIT = "wait:"
_LOOK_SECONDS = 0.05


def run(
    experiment_path: Path,
    *,
    size: tuple[int, int] = (120, 40),
    keys: str = "",
    until: str = "",
    timeout: float = 60.0,
    screenshot: Path | None = None,
    plain: bool = False,
    recover: bool = False,
    make_engine: MakeEngine | None = None,
) -> int:
    """Drives the lab.

    Args:
        experiment_path: what it opens.
        size: columns and rows.
        keys: keys with commas between: `a,d,e,n,s,e,enter`, names as `esc tab space up ctrl+p`, and
            `wait:TEXT`, which waits until TEXT is on the screen.
        until: text to wait for at the end.
        timeout: seconds to wait for each text.
        screenshot: a file for the last screen: `.svg` for a picture, `.txt` for its text.
        plain: draw in plain ASCII.
        recover: restore what a lab that crashed had not saved.
        make_engine: makes the engine that is asked about the experiment.

    Returns:
        0, or 1 where a text never showed; then the screen is printed to stderr.

    Raises:
        UnusableInputError: the experiment can not be read, or the screenshot's name is no `.svg` or `.txt`.
    """
    if screenshot is not None and screenshot.suffix not in {".svg", ".txt"}:
        raise UnusableInputError(f"expected a name that ends with .svg or .txt, got {screenshot.name!r}")
    recovery = Recovery.RESTORE if recover else Recovery.LEAVE
    lab = Lab(
        experiment_path, make_engine=make_engine, ascii_only=plain, colors="truecolor", recovery=recovery
    )
    complaint = asyncio.run(_drive(lab, size, key_names(keys), until, timeout, screenshot))
    if lab.problem is not None:
        raise lab.problem
    # Said now that the app is gone: while it runs, it takes what is printed.
    sys.stderr.write(complaint)
    return 1 if complaint else 0


def key_names(text: str) -> list[str]:
    """The keys in a list with commas between, in Textual's names; a wait keeps its text."""
    keys = []
    for part in text.split(","):
        key = part if part.startswith(_WAIT) else part.strip()
        if key:
            keys.append(_NAMES.get(key, key))
    return keys


def screen_text(app: App[None]) -> str:
    """What is on the screen, as text."""
    # The compositor is the only one that knows the screen as it is drawn, dialogs over panes included.
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines)


async def _drive(
    lab: Lab, size: tuple[int, int], keys: list[str], until: str, timeout: float, screenshot: Path | None
) -> str:
    """Presses the keys; what went wrong is returned."""
    async with lab.run_test(size=size, notifications=True) as pilot:
        while lab.session is None and lab.is_running:
            await asyncio.sleep(_LOOK_SECONDS)
        missed = ""
        for key in keys:
            if key.startswith(_WAIT):
                wanted = key.removeprefix(_WAIT)
                missed = "" if await _shown(pilot, wanted, timeout) else wanted
            else:
                await pilot.press(key)
            if missed or not lab.is_running:
                break
        if until and not missed and not await _shown(pilot, until, timeout):
            missed = until
        if screenshot is not None and lab.is_running:
            await pilot.pause()
            picture = lab.export_screenshot() if screenshot.suffix == ".svg" else screen_text(lab) + "\n"
            screenshot.write_text(picture, encoding="utf-8")
        seen = screen_text(lab) if lab.is_running else "(the lab was left)"
        lab.give_up()  # It was not a crash: what the keys did not save was not meant to stay.
        return f"{seen}\n{missed!r} did not show within {timeout:g} seconds\n" if missed else ""


async def _shown(pilot: Pilot[None], wanted: str, timeout: float) -> bool:
    """Whether a text shows before the time is over."""
    deadline = time.monotonic() + timeout
    while pilot.app.is_running:
        if wanted in screen_text(pilot.app):
            return True
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return False
