"""Steering the followed run: what is asked of it, and that it was asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from kflab.errors import KflabError
from kflab.runs.control import (
    Evaluate,
    GoOn,
    Pause,
    Request,
    SetEpochs,
    Stop,
    TakeSnapshot,
    ask,
    new_id,
    rate_request,
)
from kflab.runs.history import RunState
from kflab.tui.actions.base import LabBase
from kflab.tui.text import rate_text
from kflab.tui.widgets.training import TrainingPane


class SteeringActions(LabBase):
    """What the keys do that steer the followed run."""

    def __init__(self) -> None:
        super().__init__()
        self._toggled: Pause | GoOn | None = None
        self._turn = asyncio.Lock()

    @property
    def followed_dir(self) -> Path | None:
        """The folder of the run that is followed."""
        raise NotImplementedError

    @property
    def followed_state(self) -> RunState | None:
        """What has happened in the run that is followed."""
        raise NotImplementedError

    def action_pause_run(self) -> None:
        """Pauses the run, or lets it go on; a key that is pressed again takes back what it asked."""
        state = self.followed_state
        if state is None:
            return
        last = self._toggled
        answered = last is None or any(answer.id == last.id for answer in state.steered)
        pauses = state.is_paused if answered else isinstance(last, Pause)
        self._ask_run(GoOn() if pauses else Pause(), "going on" if pauses else "a pause")

    def action_learning_rate(self) -> None:
        """Asks for a learning rate, and gives it to the run."""
        state = self.followed_state
        if state is None:
            return
        now = state.learning_rate.last
        at = f"It is {rate_text(now)} now. " if now is not None else ""

        def typed(text: str) -> None:
            self._ask_run(rate_request(text), f"a learning rate of {text.strip()}")

        hint = f"{at}A rate such as 1e-4, or x0.5 or /2 of what it is."
        self.ask("Learning rate", rate_text(now) if now is not None else "", typed, hint=hint)

    def action_more_epochs(self) -> None:
        """Trains for one epoch more."""
        self._ask_run(SetEpochs(more=1), "one epoch more")

    def action_fewer_epochs(self) -> None:
        """Trains for one epoch fewer."""
        self._ask_run(SetEpochs(more=-1), "one epoch fewer")

    def action_evaluate_run(self) -> None:
        """Holds the model as it is now against the validation split."""
        self._ask_run(Evaluate(), "an evaluation")

    def action_stop_after_epoch(self) -> None:
        """Stops the run after the epoch at hand; the model is kept."""
        self._ask_run(Stop(after="epoch"), "a stop after this epoch")

    def action_snapshot_run(self) -> None:
        """Takes a snapshot of the run."""
        self._ask_run(TakeSnapshot(), "a snapshot")

    def _ask_run(self, request: Request, words: str) -> None:
        run_dir = self.followed_dir
        if run_dir is None:
            return
        asked = msgspec.structs.replace(request, id=new_id())
        if isinstance(asked, Pause | GoOn):
            self._toggled = asked
        self.query_one(TrainingPane).show_asked(asked.id, f"asked for {words}")
        if not self.query_one("#train").display:
            self.say(f"Asked for {words}.")
        self.run_worker(self._ask_in_turn(run_dir, asked, words), group="steer")

    async def _ask_in_turn(self, run_dir: Path, request: Request, words: str) -> None:
        async with self._turn:
            try:
                await asyncio.to_thread(ask, run_dir, request)
            except (KflabError, OSError) as problem:
                self.say(f"The run could not be asked for {words}: {problem}", error=True)
