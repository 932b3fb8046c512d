"""The lab as a Textual app: a first frame at once, then everything else; it holds the session.

Nothing is imported here that the first frame can do without.
"""

from __future__ import annotations

import enum
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen

from kflab.errors import KflabError
from kflab.tui import themes
from kflab.tui.ascii import AsciiFilter, speaks_unicode
from kflab.tui.key_order import KeyOrder
from kflab.tui.screens.splash import Splash

if TYPE_CHECKING:
    from kflab.catalog import Catalog
    from kflab.engine.client import Status
    from kflab.engine.protocol import Smoked, Summarized
    from kflab.experiment import Experiment
    from kflab.tui.engine_link import EngineLink, MakeEngine
    from kflab.tui.keeping import Keeper
    from kflab.tui.profiling import Profiler
    from kflab.tui.screens.lab import LabScreen
    from kflab.tui.session import Session
    from kflab.tui.warm_link import WarmLink


class Recovery(enum.Enum):
    """What the lab does about changes that were not saved when it, or another one, crashed.

    `OFFER` asks about those of the experiment that is opened, `OFFER_ALL` about experiments that never had a
    file, too, `RESTORE` takes the newest of the experiment unasked, `LEAVE` leaves them alone.
    """

    OFFER = enum.auto()
    OFFER_ALL = enum.auto()
    RESTORE = enum.auto()
    LEAVE = enum.auto()


class Lab(App[None]):
    """The lab.

    Attributes:
        session: the state that everything is drawn from; None until the experiment is loaded.
        engine_status: how the engine is; None before it is started.
        catalog: what Keras offers.
        problem: why the experiment could not be opened.
        warm: the line to the trainer that waits for the next run; None where none is kept.
        trainer_ready: a trainer waits that has Keras loaded.
    """

    TITLE = "kflab"
    ENABLE_COMMAND_PALETTE = False

    # Comparing two of them costs more than drawing one.
    # The panes draw what has changed themselves; drawing the whole screen costs more than an edit.
    session: reactive[Session | None] = reactive(None, init=False, always_update=True, repaint=False)
    engine_status: reactive[Status | None] = reactive(None, init=False, repaint=False)
    trainer_ready: reactive[bool] = reactive(default=False, init=False, repaint=False)
    catalog: Catalog
    _link: EngineLink | None = None
    _keeper: Keeper | None = None
    _profiler: Profiler | None = None
    warm: WarmLink | None = None

    def __init__(
        self,
        path: Path,
        *,
        make_engine: MakeEngine | None = None,
        ascii_only: bool = False,
        colors: str | None = None,
        recovery: Recovery = Recovery.LEAVE,
    ) -> None:
        """The lab.

        Args:
            path: the experiment that it opens with.
            make_engine: makes the engine that is asked about the experiment; none: one in its own process.
            ascii_only: draw in plain ASCII.
            colors: the colours to draw with, as Rich names them; none: what the terminal can.
            recovery: what to do about changes that a lab which crashed had not saved.
        """
        super().__init__()
        self._path = path
        self._recovery = recovery
        self._make_engine = make_engine
        self.ascii_only = ascii_only
        self.problem: KflabError | None = None
        self.fault: BaseException | None = None
        self._keys = KeyOrder(self, super().on_event)
        # The lab's screen is the one that keys go to before all of its panes are there.
        self._keys.hold_until_released()
        self._adopted: Path | None = None
        self._ascii = [AsciiFilter()] if ascii_only else []
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.choose(colors or self.console.color_system, os.environ).name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and ASCII where it is asked for."""
        return [*super().get_line_filters(), *self._ascii]

    def get_default_screen(self) -> Screen[None]:
        """The first frame."""
        return Splash(self._path.name)

    def on_mount(self) -> None:
        """Loads everything once the first frame is there."""
        self.call_after_refresh(self._load)

    async def _load(self) -> None:
        from kflab import catalog
        from kflab.tui.engine_link import EngineLink, own_engine
        from kflab.tui.profiling import Profiler
        from kflab.tui.screens.lab import LabScreen

        try:
            session = self._opened()
        except KflabError as problem:
            self.problem = problem
            self.exit()
            return
        self.catalog = catalog.load()
        self._link = EngineLink((self._make_engine or own_engine)(self._engine_changed))
        self._profiler = Profiler(self)
        self.set_reactive(Lab.session, session)
        await self.push_screen(LabScreen())
        self._keys.release()
        self.call_after_refresh(self._settle)

    def _opened(self) -> Session:
        """The session that the lab begins with."""
        from kflab.tui.opening import open_session

        if self._recovery is not Recovery.RESTORE:
            return open_session(self._path)
        from kflab.tui.restoring import recovered_session

        session, self._adopted = recovered_session(self._path)
        return session

    def _settle(self) -> None:
        """Starts what takes time, now that the graph is on the screen."""
        from kflab.tui.keeping import Keeper
        from kflab.tui.signals import catch_signals

        # What is loaded now stays; looking through it again and again would make keys wait.
        gc.freeze()
        gc.enable()
        gc.set_threshold(20_000, 20, 20)  # An edit makes thousands of values, and none of them a cycle.
        self.take(self.now)
        if self._link is not None:
            self._link.start()
            self.ask_again()
        self._keeper = Keeper(lambda text: self.notify(text, severity="error", timeout=10, markup=False))
        if self._adopted is not None:
            self._keeper.adopt(self._adopted, self.now.path, self.now.source)
        self._keeper.note(self.now)
        if not self.is_headless:
            catch_signals(self)
        self.offer_unsaved(nameless=self._recovery is Recovery.OFFER_ALL)

    def offer_unsaved(self, *, nameless: bool = False) -> None:
        """Offers what a lab that crashed had not saved of the experiment, unless nobody shall be asked."""
        if self._recovery in {Recovery.OFFER, Recovery.OFFER_ALL}:
            self._lab_screen.offer_unsaved(nameless=nameless)

    @property
    def _lab_screen(self) -> LabScreen:
        from kflab.tui.screens.lab import LabScreen

        return next(screen for screen in self.screen_stack if isinstance(screen, LabScreen))

    async def on_event(self, event: events.Event) -> None:
        """Answers keys one after the other: what a key opens is there when the next is answered."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    def hold_keys(self) -> None:
        """Keeps keys back while a dialog opens or closes: they are meant for what comes then."""
        self._keys.hold()

    def release_keys(self) -> None:
        """Answers the keys that were kept back."""
        self._keys.release()

    @property
    def now(self) -> Session:
        """The session."""
        assert self.session is not None
        return self.session

    @property
    def link(self) -> EngineLink:
        """The line to the engine."""
        assert self._link is not None
        return self._link

    def put(self, session: Session) -> None:
        """Takes another session; what it means for findings is worked out, and the engine is asked."""
        before = self.now
        is_edited = session.experiment is not before.experiment
        if is_edited:
            self.take(self._profiler.noted(session) if self._profiler else session)
        else:
            self.session = session
        if self._keeper is not None:
            self._keeper.note(session)
        if is_edited:
            self.ask_again()

    def take(self, session: Session) -> None:
        """Takes a session of which something else is known, and works out what it means for findings."""
        from kflab.tui.opening import situated

        self.session = situated(session)

    def turn_to(self, session: Session, place: Path | None = None) -> None:
        """Takes the session of another experiment; what was not saved of the one before is given up.

        Args:
            session: the session.
            place: the recovery file that it was restored from.
        """
        self.give_up()
        self.keep_on(session, place)

    def keep_on(self, session: Session, place: Path | None = None) -> None:
        """Takes a session that was restored from a recovery file, and goes on with that file."""
        if self._keeper is not None and place is not None:
            self._keeper.adopt(place, session.path, session.source)
        self.put(session)

    def keep_now(self) -> None:
        """Keeps what is not saved at once, for whoever opens the experiment next."""
        if self._keeper is not None:
            self._keeper.keep_now()

    def give_up(self) -> None:
        """Forgets what is not saved: whoever leaves does not want it."""
        if self._keeper is not None:
            self._keeper.give_up()

    def leave(self) -> None:
        """Ends the lab for somebody who has saved, or gave up, what was not saved."""
        self.give_up()
        self.exit()

    async def action_quit(self) -> None:
        """Leaves as the lab's own key does: Textual's own way out asks nobody."""
        if self.session is None:
            self.exit()
        else:
            self._lab_screen.action_leave()

    def _fatal_error(self) -> None:
        """Ends the lab after a fault of its own, for whoever runs it to tell.

        Textual has no public way to keep its traceback, with all local values, off the terminal.
        """
        # What goes wrong after the first fault mostly goes wrong because of it.
        self.fault = self.fault or sys.exception()
        self._close_messages_no_wait()

    def open(self, path: Path) -> None:
        """Opens an experiment.

        Raises:
            UnusableInputError: the file is none.
        """
        from kflab.tui.opening import open_session

        self.turn_to(open_session(path))

    def restart_engine(self) -> None:
        """Starts the engine again after it has failed."""
        self.link.engine.restart()

    async def renew_engine(self) -> None:
        """Starts an engine with the backend and device that are chosen now, in place of the one at work."""
        from kflab.tui.engine_link import EngineLink, own_engine

        await self.link.close()
        if self.warm is not None:
            await self.warm.close()
        self.warm, self.engine_status = None, None
        self._link = EngineLink((self._make_engine or own_engine)(self._engine_changed))
        self._link.start()
        self.ask_again()

    def _engine_changed(self, status: Status) -> None:
        from kflab.engine.client import State

        before, self.engine_status = self.engine_status, status
        if before is not None and before.state is State.FAILED and status.state is State.STARTING:
            # What was asked of an engine that failed was answered with a failure.
            self.ask_again()
        if status.state is not State.STARTING and self._profiler is not None:
            self._profiler.begin()
        # Without a terminal nobody waits for the first step.
        if status.hello is not None and self.warm is None and not self.is_headless:
            from kflab.tui.warm_link import WarmLink

            self.warm = WarmLink(self, status.hello.backend)

    def ask_again(self) -> None:
        """Asks the engine about the experiment as it is."""
        self.run_worker(self._ask_engine(), group="inspect", exclusive=True)

    async def _ask_engine(self) -> None:
        from kflab.engine.client import EngineError, State

        experiment = self.now.experiment
        try:
            report = await self.link.inspect(experiment)
        except EngineError as problem:
            # The header tells of an engine that does not start; this is about one that does.
            if self.engine_status is not None and self.engine_status.state is State.READY:
                self.notify(str(problem), severity="error", markup=False)
            return
        if report is not None and self.now.experiment is experiment:
            self.take(self.now.told(report, experiment))

    async def smoke(self, experiment: Experiment, base: Path | None) -> Smoked:
        """What a smoke step of an experiment measures, in an engine of its own.

        Raises:
            EngineError: the engine can not answer.
        """
        from kflab.tui.engine_link import smoke, smoke_engine

        return await smoke(self._make_engine or smoke_engine, experiment, base)

    async def summary(self, width: int) -> Summarized | None:
        """The Keras summary of the graph that is shown, or why there is none; None if a newer one comes.

        Raises:
            EngineError: the engine can not answer.
        """
        return await self.link.summarize(self.now.experiment, self.now.graph_name, width)

    async def on_unmount(self) -> None:
        """Ends the engine; runs go on. What was not saved is kept, unless a person gave it up."""
        if self._keeper is not None:
            self._keeper.keep_now()
            self._keeper.close()
        if self.warm is not None:
            await self.warm.close()
        if self._link is not None:
            await self._link.close()


def run(path: Path, *, plain: bool = False, recovery: Recovery = Recovery.OFFER) -> int:
    """Opens the lab on the terminal.

    Args:
        path: the experiment.
        plain: draw in plain ASCII, whatever the locale says.
        recovery: what to do about changes that a lab which crashed had not saved.

    Returns:
        The exit status.

    Raises:
        KflabError: the file is no experiment.
    """
    # Hundreds of modules are loaded and nothing of them is garbage: the lab collects once it is there.
    gc.disable()
    lab = Lab(path, ascii_only=plain or not speaks_unicode(), recovery=recovery)
    try:
        lab.run()
    finally:
        lab.keep_now()
    if lab.problem is not None:
        raise lab.problem
    if lab.fault is not None:
        raise lab.fault
    return lab.return_code or 0
