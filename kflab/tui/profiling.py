"""Looks at the data of the experiment beside the keys, whenever it is other data than before."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kflab.catalog.looks import Look, ask
from kflab.experiment import Data
from kflab.tui.data_link import look
from kflab.tui.session import Session

if TYPE_CHECKING:
    from kflab.tui.app import Lab

PAUSE = 0.4
"""Seconds that the data must stay as it is before it is looked at: it may be in the middle of an edit."""

MOST_REMEMBERED = 32
"""How many looks are remembered: an undo and a preset that is opened again tell at once."""


class _Subject(NamedTuple):
    """What a look depends on: the data section, the seed and what is fed, and the file or folder as it is."""

    section: bytes
    base: Path | None
    file: tuple[int, int] | None


class Profiler:
    """Asks for the figures of the data, one look at a time.

    Args:
        lab: who is told of what was seen.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._is_begun = False
        self._subject: _Subject | None = None
        self._data: Data | None = None
        self._remembered: dict[_Subject, Look] = {}

    def begin(self) -> None:
        """Looks from now on: before, there is more urgent work for the machine."""
        if not self._is_begun:
            self._is_begun = True
            self._lab.take(self.noted(self._lab.now))

    def noted(self, session: Session) -> Session:
        """A session with what is known of its data; where nothing is, it is looked at."""
        if not self._is_begun:
            return session
        subject = _subject_of(session)
        seen = self._remembered.get(subject)
        is_wanted = seen is None and bool(session.experiment.data.source)
        if is_wanted and subject != self._subject:
            self._lab.run_worker(self._look(session, subject), group="look", exclusive=True)
        self._subject = subject
        # Another seed or Input changes little of what is in the data: until it is looked at, that stands.
        old = session.look if is_wanted and session.experiment.data == self._data else None
        self._data = session.experiment.data
        return session.looked(seen or old, looking=is_wanted)

    async def _look(self, session: Session, subject: _Subject) -> None:
        await asyncio.sleep(PAUSE)
        try:
            seen = await look(ask(session.experiment, str(session.folder or "")))
        except OSError as problem:
            seen = Look(error=str(problem))
        while len(self._remembered) >= MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[subject] = seen
        if subject == self._subject:
            self._lab.take(self._lab.now.looked(seen))


def _subject_of(session: Session) -> _Subject:
    experiment, folder = session.experiment, session.folder
    model = experiment.model
    fed = [(name, model.nodes[name].target) for name in model.input_names() if name in model.nodes]
    section = msgspec.json.encode((experiment.data, experiment.training.seed, fed, model.output_names()))
    try:
        found = (folder or Path()).joinpath(Path(experiment.data.source).expanduser()).stat()
    except (OSError, ValueError, RuntimeError):
        return _Subject(section, folder, None)
    return _Subject(section, folder, (found.st_size, found.st_mtime_ns))
