"""The lab as a Textual app: holds the session, asks the engine about it, and opens experiments."""

from __future__ import annotations

import locale
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from textual.app import App
from textual.binding import BindingType
from textual.color import Color
from textual.filter import LineFilter
from textual.reactive import reactive

from kflab import catalog, document, paths
from kflab.catalog import datasets
from kflab.catalog.datasets import DatasetInfo
from kflab.diagnose.check import check
from kflab.engine.client import EngineError, State, Status, SupersededError
from kflab.engine.protocol import Summarized
from kflab.errors import KflabError
from kflab.tui import opening, themes
from kflab.tui.engine_link import MakeEngine, own_engine
from kflab.tui.screens.lab import LabScreen
from kflab.tui.session import Session
from kflab.tui.text import to_ascii


class AsciiFilter(LineFilter):
    """Draws everything in plain ASCII, for a terminal that knows no more."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same segments in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


class Lab(App[None]):
    """The lab."""

    TITLE = "kflab"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    session: reactive[Session | None] = reactive(None, init=False)
    engine_status: reactive[Status] = reactive(Status(State.STARTING, Path()), init=False)

    def __init__(
        self,
        session: Session,
        *,
        make_engine: MakeEngine = own_engine,
        ascii_only: bool = False,
        colors: str | None = None,
    ) -> None:
        """The lab.

        Args:
            session: what it opens with.
            make_engine: makes the engine that is asked about the experiment.
            ascii_only: draw in plain ASCII.
            colors: the colours to draw with, as Rich names them; none: what the terminal can.
        """
        super().__init__()
        self.catalog = catalog.load()
        self._engine = make_engine(self._engine_changed)
        self._started = False
        self.ascii_only = ascii_only
        self._ascii = [AsciiFilter()] if ascii_only else []
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.choose(colors or self.console.color_system, os.environ).name
        self.set_reactive(Lab.session, _situated(session))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and ASCII where it is asked for."""
        return [*super().get_line_filters(), *self._ascii]

    def get_default_screen(self) -> LabScreen:
        """The lab's main screen."""
        return LabScreen()

    @property
    def now(self) -> Session:
        """The session."""
        assert self.session is not None
        return self.session

    def put(self, session: Session) -> None:
        """Takes another session; what it means for findings is worked out, and the engine is asked."""
        before = self.now
        if session.experiment is not before.experiment:
            session = _situated(session)
        self.session = session
        if session.experiment is not before.experiment:
            self._inspect()

    def open(self, path: Path) -> None:
        """Opens an experiment.

        Raises:
            UnusableInputError: the file is none.
        """
        self.put(opening.open_session(path))

    # The engine

    def start_engine(self) -> None:
        """Starts the engine, once the screen is there."""
        if not self._started:
            self._started = True
            self._engine.start()
            self._inspect()

    def restart_engine(self) -> None:
        """Starts the engine again after it has failed."""
        self._engine.restart()

    def _engine_changed(self, status: Status) -> None:
        failed = self.engine_status.state is State.FAILED
        self.engine_status = status
        if failed and status.state is State.STARTING:
            # What was asked of an engine that failed was answered with a failure.
            self._inspect()

    def _inspect(self) -> None:
        if self._started:
            self.run_worker(self._ask_engine(), group="inspect", exclusive=True)

    async def _ask_engine(self) -> None:
        experiment = self.now.experiment
        try:
            report = await self._engine.inspect(document.encode(experiment))
        except SupersededError:
            return
        except EngineError as problem:
            # The header tells of an engine that does not start; this is about one that does.
            if self.engine_status.state is State.READY:
                self.notify(str(problem), severity="error", markup=False)
            return
        if self.now.experiment is experiment:
            self.session = _situated(self.now.told(report, experiment))

    async def summary(self, width: int) -> Summarized | None:
        """The Keras summary of the graph that is shown, or why there is none; None if a newer one comes.

        Raises:
            EngineError: the engine can not answer.
        """
        session = self.now
        try:
            return await self._engine.summarize(
                document.encode(session.experiment), width, session.graph_name
            )
        except SupersededError:
            return None

    async def on_unmount(self) -> None:
        """Ends the engine; runs go on."""
        if self._started:
            await self._engine.close()


def _situated(session: Session) -> Session:
    """The session with what is known of its dataset and what is wrong with it."""
    info: DatasetInfo | None
    try:
        info = datasets.describe(session.experiment.data, session.folder)
    except KflabError:
        info = None  # `check` says why.
    report = None if session.stale else session.report
    return session.situated(info, check(session.experiment, info, report))


def speaks_unicode() -> bool:
    """Whether the terminal can show more than ASCII, by its locale."""
    return "utf" in locale.getpreferredencoding(do_setlocale=False).lower()


def run(path: Path, *, plain: bool = False) -> int:
    """Opens the lab on the terminal.

    Args:
        path: the experiment.
        plain: draw in plain ASCII, whatever the locale says.

    Returns:
        The exit status.

    Raises:
        UnusableInputError: the file is no experiment.
    """
    session = opening.open_session(path)
    paths.state_dir().mkdir(parents=True, exist_ok=True)
    lab = Lab(session, ascii_only=plain or not speaks_unicode())
    lab.run()
    return lab.return_code or 0
