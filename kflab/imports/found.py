"""What an import finds on its way: what cannot be brought in, and what a person should know."""

from __future__ import annotations

from kflab.imports import ImportRefusedError, Note

_SHOWN = 4


class Found:
    """Collects notes and refusals, so that all that is in the way is told at once."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._refusals: dict[str, None] = {}
        self._renamed: dict[str, str] = {}

    def note(self, message: str) -> None:
        """Tell a person something about the import; the same is told once."""
        self._notes.setdefault(message)

    def refuse(self, message: str) -> None:
        """Tell why the source cannot be brought in."""
        self._refusals.setdefault(message)

    def renamed(self, before: str, after: str) -> None:
        """Tell that a document cannot have a name, and which one it has instead."""
        self._renamed.setdefault(before, after)

    @property
    def has_refusals(self) -> bool:
        """Whether something is in the way."""
        return bool(self._refusals)

    def notes(self) -> tuple[Note, ...]:
        """All notes; the names that were changed stand in one of them."""
        messages = list(self._notes)
        if self._renamed:
            shown = ", ".join(f"{old!r} is {new!r}" for old, new in list(self._renamed.items())[:_SHOWN])
            more = f" and {len(self._renamed) - _SHOWN} more" if len(self._renamed) > _SHOWN else ""
            messages.append(f"names that no document can have were changed: {shown}{more}")
        return tuple(Note(message) for message in messages)

    def raise_refusals(self, file: str = "", hint: str = "") -> None:
        """Refuse the source where something is in the way.

        Args:
            file: the file that it came from.
            hint: what else would help.

        Raises:
            ImportRefusedError: with the first of what is in the way and how many more there are.
        """
        if not self._refusals:
            return
        refusals = list(self._refusals)
        more = f" (and {len(refusals) - _SHOWN} more)" if len(refusals) > _SHOWN else ""
        raise ImportRefusedError(f"{'; '.join(refusals[:_SHOWN])}{more}{hint}", file=file)
