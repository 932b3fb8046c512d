"""What training will cost: told from shapes, and measured by a smoke step in an engine of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from kflab.engine.client import EngineError
from kflab.tui import keys
from kflab.tui.cost_text import Line, cost_lines, node_lines, smoke_lines

if TYPE_CHECKING:
    from kflab.tui.app import Lab

_TICK = 0.5


class CostScreen(ModalScreen[None]):
    """The figures of the experiment as it is; they follow the engine's answers."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.COST))
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"cost--{part}" for part in ("strong", "quiet", "accent", "error", "warning")
    }
    DEFAULT_CSS = """
    CostScreen { align: center middle; background: $background 60%;
        & .cost--strong { text-style: bold; }
        & .cost--quiet { color: $quiet; }
        & .cost--accent { color: $accent; text-style: bold; }
        & .cost--error { color: $error; }
        & .cost--warning { color: $warning; }
    }
    CostScreen:ansi { background: ansi_default; }
    CostScreen > VerticalScroll { width: 92; max-width: 96%; height: auto; max-height: 96%;
                                  border: round $accent; padding: 0 1; border-title-color: $foreground;
                                  border-title-style: bold; border-subtitle-color: $quiet;
                                  background: $background; scrollbar-size-vertical: 1; }
    CostScreen Static { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._text = Static(markup=False)
        self._worker: Worker[None] | None = None
        self._began: float | None = None
        self._ticking: Timer | None = None
        self._problem = ""

    @property
    def _lab(self) -> Lab:
        return cast("Lab", self.app)

    def compose(self) -> ComposeResult:
        """The figures."""
        with VerticalScroll() as box:
            box.border_title = Text("What it will cost")
            yield self._text

    def on_mount(self) -> None:
        """Draws the figures, now and whenever they change."""
        self.watch(self.app, "session", self._draw)
        self._ticking = self.set_interval(_TICK, self._draw, pause=True)
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        """The columns share the new width."""
        self.call_after_refresh(self._draw)

    def on_unmount(self) -> None:
        """A smoke step ends with the view of it."""
        self._end()

    def _draw(self) -> None:
        box = self.query_one(VerticalScroll)
        session, width = self._lab.now, box.scrollable_content_region.width or 80
        running = None if self._began is None else time.monotonic() - self._began
        lines = [
            *cost_lines(session, width),
            (),
            *smoke_lines(session, width, running=running, problem=self._problem),
        ]
        if nodes := node_lines(session, width):
            lines += [(), *nodes]
        self._text.update(Text("\n").join(map(self._styled, lines)))
        wanted = "esc cancel" if running is not None else "K smoke step   esc back"
        if str(box.border_subtitle) != wanted:
            box.border_subtitle = Text(wanted)

    def _styled(self, line: Line) -> Text:
        styled = Text()
        for words, part in line:
            styled.append(words, self.get_component_rich_style(f"cost--{part}", partial=True) if part else "")
        return styled

    def action_smoke(self) -> None:
        """Makes a smoke step; one that is under way goes on."""
        if self._began is not None:
            return
        errors = self._lab.now.errors
        if errors:
            self._problem = f"not before this is mended: {errors[0].message}"
            self._draw()
            return
        self._problem, self._began = "", time.monotonic()
        self._worker = self.run_worker(self._measure(), group="smoke", exclusive=True)
        assert self._ticking is not None
        self._ticking.resume()
        self._draw()

    async def _measure(self) -> None:
        session = self._lab.now
        try:
            smoked = await self._lab.smoke(session.experiment, session.folder)
        except EngineError as problem:
            self._problem = str(problem)
        else:
            self._lab.put(self._lab.now.measured(smoked, session.experiment))
        finally:
            self._began = None
            if self._ticking is not None:
                self._ticking.pause()
        self._draw()

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    def action_close(self) -> None:
        """Cancels the smoke step that is under way, or goes back to the lab."""
        if self._began is not None:
            self._end()
            self._began = None
            self._problem = "it was cancelled"
            self._draw()
        else:
            self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scrolls."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
