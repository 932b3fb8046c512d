"""From recovery files to sessions: what may be offered, in which words, and what restoring it gives."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab import presets, recovery
from kflab.errors import KflabError
from kflab.graph.history import History, Step
from kflab.recovery import DamagedError, Found, Unsaved
from kflab.tui.opening import open_session
from kflab.tui.session import Session
from kflab.tui.text import plural

RESTORE = "restore unsaved changes"
"""The name of the edit that brings unsaved changes back."""


class Offer(msgspec.Struct, frozen=True):
    """Unsaved changes that can be restored.

    Attributes:
        place: their recovery file.
        unsaved: what it holds.
        history: the experiment and what can be undone.
        text: what they are, in a sentence or two.
    """

    place: Path
    unsaved: Unsaved
    history: History
    text: str


class Offers(msgspec.Struct, frozen=True):
    """What was found: what can be offered, and lines to tell about the rest."""

    offers: tuple[Offer, ...] = ()
    lines: tuple[str, ...] = ()


def offers_for(session: Session, *, nameless: bool = False) -> Offers:
    """What can be restored beside a session.

    Damaged files are set aside, and what the session holds anyway is removed.

    Args:
        session: the session that was opened.
        nameless: look for every experiment that never had a file, too.
    """
    if session.path is not None:
        found = recovery.find(session.path)
    else:
        found = recovery.find_nameless(session.source)
    if nameless:
        seen = {item.place for item in found}
        found += [item for item in recovery.find_nameless() if item.place not in seen]
    offers: list[Offer] = []
    lines: list[str] = []
    for item in found:
        try:
            offered = _offer(item, session)
        except DamagedError as error:
            lines.append(_set_aside(item, error.message))
            continue
        if isinstance(offered, str):
            lines.append(offered)
        elif offered is not None:
            offers.append(offered)
    return Offers(tuple(offers), tuple(lines))


def _offer(item: Found, session: Session) -> Offer | str | None:
    unsaved = item.unsaved
    if unsaved is None:
        raise DamagedError(item.problem)
    if unsaved.is_open:
        since = recovery.clock(unsaved.time)
        return (
            f"{unsaved.name} is open in another lab (process {unsaved.process.pid}), "
            f"with changes from {since} that are not saved"
        )
    history = unsaved.history()
    is_same = unsaved.source == session.source and history.now == session.saved
    if is_same and unsaved.process.is_here:
        recovery.remove(item.place)
        return None
    return Offer(item.place, unsaved, history, words(unsaved, session))


def _set_aside(item: Found, reason: str) -> str:
    name = item.unsaved.name if item.unsaved else item.place.name
    try:
        aside = recovery.set_aside(item.place)
    except KflabError as error:
        return str(error)
    return f"{name} can not be restored: {reason}; set aside as {aside.name}"


def words(unsaved: Unsaved, session: Session | None = None) -> str:
    """What unsaved changes are, such as `model.yaml has 12 edits from 14:32 that were not saved`."""
    edits = plural(unsaved.edits, "edit") if unsaved.edits else "changes"
    clock = recovery.clock(unsaved.time)
    if unsaved.file:
        were = "was" if unsaved.edits == 1 else "were"
        lines = [f"{unsaved.name} has {edits} from {clock} that {were} not saved."]
    else:
        lines = [f"{unsaved.name} has {edits} from {clock} and was never saved."]
    disk = session.disk if session is not None and session.path is not None else None
    if disk is not None and unsaved.base is not None and not disk.same_content(unsaved.base):
        lines.append(f"The file was written at {recovery.clock(disk.modified / 1e9)} by somebody else.")
    if not unsaved.process.is_here:
        lines.append(f"They were made on {unsaved.process.host}, where a lab may still be open.")
    return "\n".join(lines)


def restored(offer: Offer, session: Session) -> Session:
    """The session with unsaved changes restored: undo goes back to what the file has.

    Args:
        offer: the changes.
        session: the session of the same file, or of another experiment where they never had a file.
    """
    unsaved, history = offer.unsaved, offer.history
    base = session if _is_of(unsaved, session) else _base(unsaved)
    if base.history.done or base.history.undone:
        # Something was edited already: that is not thrown away either.
        return base.edited_to(history.now, RESTORE)
    steps = history.done
    if base.saved is not None and all(step.experiment != base.saved for step in steps):
        steps = (Step(base.saved, RESTORE), *steps)
    steps = tuple(
        Step(base.saved, step.name) if base.saved == step.experiment and base.saved is not None else step
        for step in steps
    )
    changed = base.with_history(History(history.now, steps))
    if base.path is not None and unsaved.base is not None:
        # A file that has changed since is asked about before it is overwritten.
        changed = changed.on_disk(changed.saved, unsaved.base)
    return changed


def _is_of(unsaved: Unsaved, session: Session) -> bool:
    if session.path is not None:
        return bool(unsaved.file)
    return not unsaved.file and unsaved.source == session.source


def _base(unsaved: Unsaved) -> Session:
    """The session that unsaved changes began with, as far as it can still be had."""
    path = Path(unsaved.file) if unsaved.file else None
    if path is None and unsaved.source in presets.names():
        path = presets.path(unsaved.source)
    if path is not None:
        try:
            return open_session(path)
        except KflabError:
            pass  # The file is gone or no experiment now; what was kept is all that there is.
    folder = Path(unsaved.folder) if unsaved.folder else Path.cwd()
    file = Path(unsaved.file) if unsaved.file else None
    return Session(history=unsaved.history(), path=file, source=unsaved.source, folder=folder)


def recovered_session(path: Path) -> tuple[Session, Path]:
    """The session of a file with its newest unsaved changes restored, and their recovery file.

    The file itself may be gone, or be no experiment any more.

    Raises:
        UnusableInputError: there is nothing to restore, or it can not be restored.
    """
    found = _found(path)
    unsaved = found.unsaved
    if unsaved is None:
        raise DamagedError(found.problem, file=str(found.place))
    if unsaved.is_open:
        raise DamagedError(f"open in another lab (process {unsaved.process.pid})", file=str(path))
    base = _base(msgspec.structs.replace(unsaved, file=str(path)) if unsaved.file else unsaved)
    return restored(Offer(found.place, unsaved, unsaved.history(), ""), base), found.place


def _found(path: Path) -> Found:
    path = path.resolve()
    is_preset = path.parent == presets.folder().resolve()
    found = recovery.find_nameless(path.stem) if is_preset else recovery.find(path)
    if not found:
        raise KflabError(f"there are no unsaved changes of {path.name}; `kflab recover` lists all there are")
    return next((item for item in found if item.unsaved is not None and not item.unsaved.is_open), found[0])
