"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_whole(
    path: Path,
    content: bytes,
    *,
    mode: int = 0o644,
    check: Callable[[], None] | None = None,
    durable: bool = True,
) -> os.stat_result:
    """Put a file in place of another in one step: a reader finds the old one or the new one, never a part.

    Args:
        path: the file.
        content: what it shall hold.
        mode: the rights of a file that was not there before.
        check: called right before the old file goes; what it raises leaves that one as it is.
        durable: wait until it is on the disk; without, a power cut may leave the file empty.

    Returns:
        What the file system says of the new file.

    Raises:
        OSError: it can not be written.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        Path(temporary).chmod(path.stat().st_mode if path.exists() else mode)
        if check is not None:
            check()
        about = Path(temporary).stat()
        Path(temporary).replace(path)
    except BaseException:  # an interrupt, too, leaves no litter behind
        Path(temporary).unlink(missing_ok=True)
        raise
    return about
