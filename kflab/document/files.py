"""Documents as files: the state that a file was read in, and writes that are whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import msgspec

from kflab.document.yaml_text import MAX_BYTES
from kflab.errors import UnusableInputError
from kflab.whole_files import write_whole


class FileState(msgspec.Struct, frozen=True):
    """What a file held at some time, to tell whether it still does.

    Attributes:
        modified: when it was written, in nanoseconds since the epoch.
        size: its bytes.
        digest: of its content; "" where it could not be read.
    """

    modified: int
    size: int
    digest: str

    def same_content(self, other: FileState | None) -> bool:
        """Whether the file held the same; what could not be read is like nothing."""
        return other is not None and bool(self.digest) and self.digest == other.digest


class ChangedOnDiskError(UnusableInputError):
    """Somebody else has written the file since it was read."""


def text_of(path: Path) -> str:
    """The text of an experiment file.

    Raises:
        UnusableInputError: there is no such file, it can not be read, is too large or is no UTF-8 text.
    """
    return text_and_state(path)[0]


def text_and_state(path: Path) -> tuple[str, FileState]:
    """The text of an experiment file, and the state that the file was in.

    Raises:
        UnusableInputError: there is no such file, it can not be read, is too large or is no UTF-8 text.
    """
    try:
        about = path.stat()
        if about.st_size > MAX_BYTES:
            most = MAX_BYTES / 1e6
            raise UnusableInputError(
                f"{about.st_size / 1e6:.1f} MB; an experiment has at most {most:.1f} MB", file=str(path)
            )
        # Looked at first and read then: a write between the two is found out by the next look.
        content = path.read_bytes()
        text = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise UnusableInputError(f"not UTF-8 text: byte {error.start}", file=str(path)) from None
    except OSError as error:
        raise UnusableInputError(f"can not be read: {error.strerror}", file=str(path)) from None
    return text, FileState(about.st_mtime_ns, about.st_size, _digest(content))


def state_of(path: Path, known: FileState | None = None) -> FileState | None:
    """The state of a file now; none where there is no file.

    Args:
        path: the file.
        known: an earlier state; where time and size are still the same, the content is not read.
    """
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return FileState(0, 0, "")
    if known is not None and (about.st_mtime_ns, about.st_size) == (known.modified, known.size):
        return known
    digest = ""
    if about.st_size <= MAX_BYTES:
        with contextlib.suppress(OSError):
            digest = _digest(path.read_bytes())
    return FileState(about.st_mtime_ns, about.st_size, digest)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def replace(
    path: Path, content: bytes, *, expecting: FileState | None = None, mode: int = 0o644
) -> FileState:
    """Put a file in place of another in one step, so that a crash leaves the old one.

    Args:
        path: the file; the folder is made where there is none.
        content: what it shall hold.
        expecting: the state that the file must still be in if it is there; none: whatever it is in.
        mode: the rights of a file that was not there before.

    Raises:
        ChangedOnDiskError: the file is in another state than was expected.
        OSError: it can not be written.
    """
    path = path.resolve()  # A link stays one: what it leads to is replaced.
    path.parent.mkdir(parents=True, exist_ok=True)
    about = write_whole(path, content, mode=mode, check=lambda: _check(path, expecting))
    return FileState(about.st_mtime_ns, about.st_size, _digest(content))


def _check(path: Path, expecting: FileState | None) -> None:
    if expecting is None:
        return
    now = state_of(path, expecting)
    if now is not None and now is not expecting and not now.same_content(expecting):
        raise ChangedOnDiskError("somebody else has changed it since it was opened", file=str(path))
