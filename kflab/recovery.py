"""Recovery files: what was edited and not saved, kept beside the experiment so that a crash loses nothing.

Beside `dir/model.yaml` stands `dir/.model.yaml.kflab-unsaved`. Where the folder can not be written, and for
an experiment that has no file yet, it stands in the state folder. Each lab has one of its own; it names the
process that made it, so that another lab can tell a crash from a lab that is still open.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from kflab import document, paths, presets
from kflab.document.files import FileState, replace
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Experiment
from kflab.graph.history import History, Step
from kflab.runs.process import ProcessInfo, identify
from kflab.values import Value

SUFFIX = ".kflab-unsaved"
"""How the name of every recovery file ends."""

FORMAT = 1
"""The number of the format that this kflab writes."""

MOST_STEPS = 50
MOST_STEP_BYTES = 1 << 20
"""How much of what can be undone is kept: so many steps, in so many bytes."""

MOST_BYTES = 64 << 20
"""A larger file is no recovery file of ours."""

_PLACES = 9  # so many labs can have unsaved changes of one file


class DamagedError(UnusableInputError):
    """A recovery file that can not be understood."""


class KeptStep(msgspec.Struct, frozen=True):
    """A step of what can be undone: its name, and the document as it was before."""

    name: str
    document: msgspec.Raw


class Unsaved(msgspec.Struct, frozen=True, kw_only=True):
    """What was edited and not saved.

    Attributes:
        format: the number of the format.
        file: the experiment's file, or "" where it has none yet.
        source: what it is called: the file's or the preset's name without its ending.
        folder: where relative paths of data start.
        base: the state of the file that the edits began with; none where there was no file.
        process: the lab that edits or edited it.
        time: when this was kept, in seconds since the epoch.
        edits: how many edits are not saved.
        document: the experiment as it was edited.
        steps: what can be undone, the newest last.
    """

    format: int = FORMAT
    file: str = ""
    source: str
    folder: str = ""
    base: FileState | None = None
    process: ProcessInfo
    time: float
    edits: int = 0
    document: msgspec.Raw
    steps: tuple[KeptStep, ...] = ()

    @property
    def name(self) -> str:
        """What a person calls it: `model.yaml`, or the name of what was never saved."""
        return Path(self.file).name if self.file else self.source

    @property
    def is_open(self) -> bool:
        """Whether a lab of this machine, another than this one, still edits it."""
        return self.process.pid != os.getpid() and self.process.is_alive()

    def experiment(self) -> Experiment:
        """The experiment as it was edited.

        Raises:
            DamagedError: it is none, or none that this kflab understands.
        """
        return _experiment(self.document)

    def history(self) -> History:
        """The experiment with what can be undone; steps that can not be understood are left out.

        Raises:
            DamagedError: the experiment itself can not be understood.
        """
        steps: list[Step] = []
        with contextlib.suppress(DamagedError):
            for step in reversed(self.steps):
                steps.append(Step(_experiment(step.document), step.name))
        return History(self.experiment(), tuple(reversed(steps)))


def _experiment(raw: msgspec.Raw) -> Experiment:
    try:
        return document.decode(msgspec.json.decode(raw, type=dict[str, Value]))
    except msgspec.DecodeError as error:
        raise DamagedError(f"holds no experiment: {error}") from None
    except KflabError as error:
        raise DamagedError(str(error)) from None


class Found(msgspec.Struct, frozen=True):
    """A recovery file that was found.

    Attributes:
        place: the recovery file.
        unsaved: what it holds; none where it is damaged.
        problem: why it can not be used.
    """

    place: Path
    unsaved: Unsaved | None = None
    problem: str = ""


class Speller:
    """Spells experiments as documents, each once: an edit adds one to many that were spelled before."""

    def __init__(self) -> None:
        self._spelled: list[tuple[Experiment, msgspec.Raw]] = []

    def unsaved(
        self,
        history: History,
        *,
        path: Path | None,
        source: str,
        folder: Path | None,
        base: FileState | None,
        edits: int,
    ) -> Unsaved:
        """What is to be kept of an experiment.

        Args:
            history: the experiment and what can be undone.
            path: its file, or none.
            source: what it is called.
            folder: where relative paths of data start.
            base: the state of the file that the edits began with.
            edits: how many edits are not saved.
        """
        spelled = [(history.now, self._spell(history.now))]
        steps: list[KeptStep] = []
        left = MOST_STEP_BYTES
        for step in reversed(history.done[-MOST_STEPS:]):
            raw = self._spell(step.experiment)
            left -= len(bytes(raw))
            if left < 0:
                break
            spelled.append((step.experiment, raw))
            steps.append(KeptStep(step.name, raw))
        self._spelled = spelled
        return Unsaved(
            file=str(path or ""),
            source=source,
            folder=str(folder or ""),
            base=base,
            process=identify(),
            time=time.time(),
            edits=edits,
            document=spelled[0][1],
            steps=tuple(reversed(steps)),
        )

    def _spell(self, experiment: Experiment) -> msgspec.Raw:
        for known, raw in self._spelled:
            if known is experiment:
                return raw
        return msgspec.Raw(msgspec.json.encode(document.encode(experiment)))


def places(file: str, source: str = "") -> Iterator[Path]:
    """Where the recovery files of an experiment may stand, the best place first."""
    if file:
        path = Path(file)
        yield from _numbered(path.parent, f".{path.name}")
        # Two files of one name in two folders must not meet here.
        mark = hashlib.sha256(file.encode(errors="surrogateescape")).hexdigest()[:12]
        yield from _numbered(_state_folder(), f"{path.name}-{mark}")
    else:
        yield from _numbered(_state_folder(), source or "unnamed")


def _numbered(folder: Path, name: str) -> Iterator[Path]:
    for number in range(1, _PLACES + 1):
        yield folder / (f"{name}{SUFFIX}" if number == 1 else f"{name}.{number}{SUFFIX}")


def _state_folder() -> Path:
    return paths.state_dir() / "unsaved"


def keep(unsaved: Unsaved, place: Path | None = None) -> Path:
    """Write a recovery file in one step.

    Args:
        unsaved: what it shall hold.
        place: the recovery file of the same experiment that this lab has written before.

    Returns:
        Where it stands now.

    Raises:
        KflabError: there is no place that it could be written to.
    """
    content = msgspec.json.encode(unsaved)
    reason = "every place for it is taken"
    for candidate in [place] if place is not None else places(unsaved.file, unsaved.source):
        try:
            if place is None and not _claim(candidate):
                continue
            try:
                replace(candidate, content, mode=0o600)
            except OSError:
                if place is None:
                    candidate.unlink(missing_ok=True)
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            continue
        return candidate
    if place is not None:
        return keep(unsaved)  # The folder may have gone, or its disk may be full: the state folder is left.
    raise KflabError(f"unsaved changes can not be kept: {reason}")


def _claim(place: Path) -> bool:
    """Take a place that nobody has; nobody else takes it from then on.

    Raises:
        OSError: nothing can be written there.
    """
    if place.parent == _state_folder():
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True


def remove(place: Path) -> None:
    """Take a recovery file away; one that is gone already is no error.

    Raises:
        KflabError: it can not be taken away.
    """
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        raise KflabError(f"{place} can not be removed: {error.strerror}") from None


def set_aside(place: Path) -> Path:
    """Give a damaged recovery file another name, so that it is told once and nothing is thrown away.

    Raises:
        KflabError: it can not be renamed.
    """
    aside = place.with_name(f"{place.name}-damaged")
    try:
        place.replace(aside)
    except OSError as error:
        raise KflabError(f"{place} can not be set aside: {error.strerror}") from None
    return aside


def read(place: Path) -> Unsaved:
    """What a recovery file holds.

    Raises:
        DamagedError: it is none, is cut short, or was written by a newer kflab.
    """
    try:
        if place.stat().st_size > MOST_BYTES:
            raise DamagedError("too large for a recovery file", file=str(place))
        content = place.read_bytes()
        number = msgspec.json.decode(content, type=_Format).format
        if number > FORMAT:
            raise DamagedError(
                f"format {number} was written by a newer kflab: upgrade kflab", file=str(place)
            )
        unsaved = msgspec.json.decode(content, type=Unsaved)
    except OSError as error:
        raise DamagedError(f"can not be read: {error.strerror}", file=str(place)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedError(f"damaged: {error}", file=str(place)) from None
    return unsaved


class _Format(msgspec.Struct):
    format: int


def find(path: Path) -> list[Found]:
    """The recovery files of an experiment's file, the newest first."""
    found = [item for place in places(str(path)) if (item := _look(place)) is not None]
    # Its folder may have moved since.
    return _newest_first(
        Found(item.place, msgspec.structs.replace(item.unsaved, file=str(path), folder=str(path.parent)))
        if item.unsaved is not None
        else item
        for item in found
    )


def find_nameless(source: str = "") -> list[Found]:
    """The recovery files of experiments that have no file yet, the newest first.

    Args:
        source: what the experiment was made from, such as a preset's name; none: any of them.
    """
    found = [item for item in find_in(_state_folder()) if item.unsaved is None or not item.unsaved.file]
    return [
        item for item in found if not source or (item.unsaved is not None and item.unsaved.source == source)
    ]


def find_in(folder: Path) -> list[Found]:
    """The recovery files in a folder, the newest first."""
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(SUFFIX)]
    except OSError:
        return []
    return _newest_first(_look(folder / name) for name in names)


def find_all(folder: Path) -> list[Found]:
    """The recovery files in a folder and those in the state folder, the newest first."""
    return _newest_first([*find_in(folder), *find_in(_state_folder())])


def _look(place: Path) -> Found | None:
    try:
        if not place.stat().st_size:
            return None  # taken by a lab that ended before it could write
    except OSError:
        return None
    try:
        return Found(place, read(place))
    except DamagedError as error:
        return Found(place, problem=error.message)


def _newest_first(found: Iterable[Found | None]) -> list[Found]:
    there = [item for item in found if item is not None]
    return sorted(there, key=lambda item: -(item.unsaved.time if item.unsaved else 0.0))


def text_before(unsaved: Unsaved) -> str:
    """The text that the edits began with, as it is now: of the file or the preset; "" where it is gone."""
    path = Path(unsaved.file) if unsaved.file else None
    if path is None and unsaved.source in presets.names():
        path = presets.path(unsaved.source)
    try:
        return document.text_of(path) if path is not None else ""
    except UnusableInputError:
        return ""


def difference(unsaved: Unsaved, text: str) -> list[str]:
    """What is kept, held against the text of the experiment's file: the lines of a unified diff.

    Raises:
        DamagedError: what is kept can not be understood.
    """
    kept = document.dump(unsaved.experiment(), text)
    lines = difflib.unified_diff(
        text.splitlines(), kept.splitlines(), unsaved.name, f"{unsaved.name} (not saved)", lineterm="", n=2
    )
    return list(lines)


def clock(moment: float, now: float | None = None) -> str:
    """A time as a person says it: `14:32` today, else with its date."""
    then, today = time.localtime(moment), time.localtime(now)
    is_today = (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M", then)
