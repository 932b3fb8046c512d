"""Training: start, stop, follow, look at runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from textual import on
from textual.app import ComposeResult

from kflab import document, paths
from kflab.diagnose.findings import Finding, worst_first
from kflab.errors import KflabError
from kflab.runs import control, folder, launch
from kflab.runs.history import RunState
from kflab.runs.listing import RunSummary, list_runs
from kflab.runs.resuming import resume
from kflab.settings import chosen_device
from kflab.tui.actions.base import LabBase
from kflab.tui.follow import RunFollower, RunUpdated
from kflab.tui.keys import Pane
from kflab.tui.session import Session
from kflab.tui.text import plural
from kflab.tui.widgets.console import ConsolePane
from kflab.tui.widgets.training import TrainingPane

if TYPE_CHECKING:
    from kflab.runs.warm_keeping import WarmKeeper


class RunActions(LabBase):
    """What the keys do with runs."""

    def __init__(self) -> None:
        super().__init__()
        self._follower: RunFollower | None = None
        self._starting = False
        self._hint = ""

    def compose_training(self) -> ComposeResult:
        """The curves, and the console in the same place."""
        ascii_only = self.lab.ascii_only
        yield TrainingPane(ascii_only=ascii_only, id="curves")
        yield ConsolePane(ascii_only=ascii_only, id="console")

    @property
    def training_alive(self) -> bool:
        """Whether the followed run is at work."""
        if self._follower is None:
            return self._starting
        now = self._follower.status
        # Its events tell of a start before its status is asked for again.
        has_begun = bool(self._follower.state.started) and not now.is_over
        return self._starting or now.is_alive or has_begun

    @property
    def followed_dir(self) -> Path | None:
        """The folder of the run that is followed."""
        return self._follower.run_dir if self._follower is not None else None

    @property
    def followed_state(self) -> RunState | None:
        """What has happened in the run that is followed."""
        return self._follower.state if self._follower is not None else None

    @property
    def run_followed(self) -> bool:
        """Whether there is a run to look at."""
        return self._follower is not None

    def show_training_hint(self, session: Session) -> None:
        """Says in the empty pane what `t` would do."""
        errors = session.errors
        if errors:
            hint = f"{plural(len(errors), 'error')} to mend before it can train: {self.refusal(session)}"
        else:
            epochs = plural(session.experiment.training.epochs, "epoch")
            data, count = session.experiment.data, session.info.train if session.info else 0
            count = min(count, data.limit or count)
            samples = f" on {count:,} samples" if count else ""
            hint = f"t trains {epochs} of {data.source}{samples}"
        if hint != self._hint:
            self._hint = hint
            self.query_one(TrainingPane).show_hint(hint)

    def action_train(self) -> None:
        """Starts a run of the experiment; refused with the reasons where it can not work."""
        session = self.session
        if self.training_alive:
            self.say("A run is at work already: Q lets this one wait for its end, s stops that one.")
            return
        if refusal := self.refusal(session):
            count = plural(len(session.errors), "error")
            self.say(f"Not started, {count}: {refusal}", error=True)
            return
        self._starting = True
        self.run_worker(self._start(session), group="train")

    def refusal(self, session: Session) -> str:
        """Why the experiment can not be trained as it is, and what to press; "" where it can."""
        errors = worst_first(session.errors)
        if not errors:
            return ""
        first = errors[0]
        where = " ".join(part for part in (first.code, first.place) if part)
        more = "them" if len(errors) > 1 else "it"
        keys = f"p shows {more}, f fixes {more} there" if first.fix else f"p shows {more}"
        words = f"{where}: {first.message}" if where else first.message
        return f"{words.rstrip('.')}. {keys}"

    @property
    def backend(self) -> str:
        """Keras' backend that runs are started with: that of the engine."""
        status = self.lab.engine_status
        hello = status.hello if status else None
        return hello.backend if hello else os.environ.get("KERAS_BACKEND", "tensorflow")

    async def _start(self, session: Session) -> None:
        warm = self.lab.warm.keeper if self.lab.warm else None
        try:
            run_dir = await asyncio.to_thread(_launch, session, self.backend, warm)
        except (KflabError, OSError) as problem:
            self.say(f"Not started: {problem}", error=True)
            return
        finally:
            self._starting = False
        self.watch_run(run_dir)

    def watch_run(self, run_dir: Path) -> None:
        """Follows a run, in sight."""
        if self.narrow:
            self.go(Pane.TRAIN)
        if self._follower is not None:
            self._follower.stop()
        self._follower = RunFollower(run_dir, self)
        self._follower.start()
        self._show_verdict(())
        self.query_one(ConsolePane).follow(run_dir)
        self.query_one(TrainingPane).show_run(self._follower.state, self._follower.status, name=run_dir.name)
        self.run_changed()

    @on(RunUpdated)
    def _run_updated(self, event: RunUpdated) -> None:
        event.stop()
        if self._follower is None or event.run_dir != self._follower.run_dir:
            return
        self.query_one(TrainingPane).show_run(
            event.state,
            event.status,
            name=event.run_dir.name,
            problem=event.problem,
            ending=event.ending,
        )
        self.run_changed()
        if event.status.is_over and not event.problem:
            self.run_worker(self._judge(self._follower), group="verdict", exclusive=True)

    async def _judge(self, follower: RunFollower) -> None:
        """Works out what a run that is over turned out to be, and shows it."""
        try:
            found = await asyncio.to_thread(_verdict, follower)
        except (KflabError, OSError):
            return  # Its folder is gone or broken: the pane has said so.
        # The lab may have been left meanwhile.
        if self._follower is follower and self.query(TrainingPane):
            self._show_verdict(found)

    def _show_verdict(self, found: tuple[Finding, ...]) -> None:
        self.query_one(TrainingPane).show_verdict(found)
        if found != self.session.verdict:
            self.lab.put(msgspec.structs.replace(self.session, verdict=found))

    def run_changed(self) -> None:
        """Draws what depends on the followed run."""
        raise NotImplementedError

    def action_stop(self) -> None:
        """Asks the followed run to stop."""
        if self._follower is None:
            return
        try:
            control.ask_stop(self._follower.run_dir)
        except (KflabError, OSError) as problem:
            self.say(f"It could not be asked to stop: {problem}", error=True)
            return
        self.say("Asked to stop; the model is kept.")

    def action_resume_run(self) -> None:
        """Goes on with the followed run; where all of its epochs are done, it asks for how many."""
        if self._follower is None or self.training_alive:
            return
        state = self._follower.state
        if not state.epochs or state.epochs_done < state.epochs:
            self._resume(self._follower.run_dir)
            return

        def typed(text: str) -> None:
            if not text.strip().isdecimal() or int(text) <= state.epochs_done:
                raise KflabError(f"expected a whole number above {state.epochs_done:,}, got {text!r}")
            self._resume(run_dir, int(text))

        run_dir, done = self._follower.run_dir, plural(state.epochs_done, "epoch")
        self.ask("Epochs in all", str(2 * state.epochs_done), typed, hint=f"It has done {done}.")

    def _resume(self, run_dir: Path, epochs: int | None = None) -> None:
        self._starting = True
        self.run_worker(self._go_on(run_dir, epochs), group="train")

    async def _go_on(self, run_dir: Path, epochs: int | None) -> None:
        warm = self.lab.warm.keeper if self.lab.warm else None
        try:
            await asyncio.to_thread(resume, run_dir, epochs, warm=warm)
        except (KflabError, OSError) as problem:
            self.say(f"It does not go on: {problem}", error=True)
            return
        finally:
            self._starting = False
        self.watch_run(run_dir)

    def action_console(self) -> None:
        """Shows what the run has printed, in place of the curves, and back."""
        console = self.query_one(ConsolePane)
        self.show_console(not console.display)
        self.go(Pane.TRAIN)

    def action_next_charts(self) -> None:
        """Shows the charts that there was no room for."""
        self.query_one(TrainingPane).next_charts()

    def action_previous_charts(self) -> None:
        """Goes back to the charts before."""
        self.query_one(TrainingPane).previous_charts()

    def action_log_scale(self) -> None:
        """Makes the curves' y axes logarithmic, or linear again."""
        self.query_one(TrainingPane).toggle_log_scale()

    def show_console(self, shown: bool) -> None:
        """Shows the console or the curves."""
        self.query_one(ConsolePane).display = shown
        self.query_one(TrainingPane).display = not shown

    def action_runs(self) -> None:
        """Lists all runs; the chosen one is followed."""
        from kflab.tui.screens.runs import RunsScreen

        def chosen(run_dir: Path | None) -> None:
            if run_dir is not None:
                self.watch_run(run_dir)
                self.go(Pane.TRAIN)

        self.app.push_screen(RunsScreen(paths.runs_dir(), ascii_only=self.lab.ascii_only), chosen)

    async def offer_running(self) -> None:
        """Offers to watch what is at work already."""
        try:
            runs = await asyncio.to_thread(list_runs, paths.runs_dir())
        except (KflabError, OSError):
            return  # `R` shows what is wrong with the folder.
        alive = [run for run in runs if run.status.is_alive]
        if not alive or self.app.screen is not self or self.run_followed:
            return
        self._offer(alive)

    def _offer(self, alive: list[RunSummary]) -> None:
        newest = alive[0]
        progress = f" · epoch {newest.epoch}/{newest.epochs}" if newest.epochs else ""
        rest = f"\nand {plural(len(alive) - 1, 'run')} more: R lists them" if len(alive) > 1 else ""

        def answered(_: str) -> None:
            self.watch_run(Path(newest.path))
            self.go(Pane.TRAIN)

        text = f"{newest.title or newest.name} is {newest.status.value}{progress}{rest}"
        self.confirm("A run is at work", text, [("enter", "Watch")], answered)

    def on_unmount(self) -> None:
        """Ends the following; the run goes on."""
        if self._follower is not None:
            self._follower.stop()


def _verdict(follower: RunFollower) -> tuple[Finding, ...]:
    from kflab.diagnose.verdict import described, verdict_on
    from kflab.runs.info import EXPERIMENT, read_info

    run = read_info(follower.run_dir)
    experiment = document.read(follower.run_dir / EXPERIMENT)
    return verdict_on(
        follower.state, experiment, run, info=described(experiment, run), ending=follower.ending
    )


def _launch(session: Session, backend: str, warm: WarmKeeper | None) -> Path:
    """Makes the run folder and starts the trainer."""
    run_dir = make_run(session, backend)
    launch.launch(run_dir, warm=warm)
    return run_dir


def make_run(session: Session, backend: str) -> Path:
    """Makes the run folder of an experiment as it is.

    Raises:
        KflabError: it cannot be made.
    """
    experiment = session.experiment
    source = session.path or (session.folder / f"{session.source}.yaml" if session.folder else None)
    written = document.text_of(source) if source and source.is_file() else ""
    return folder.create(
        document.dump(experiment, written),
        experiment.title or session.source,
        paths.runs_dir(),
        seed=experiment.training.seed,
        backend=backend,
        device=chosen_device().value,
        source=str(source) if source else "",
    )
