"""What a command of the lab is: its keys, its words, and when it applies."""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec
from textual.binding import Binding

from kflab.tui.situation import Situation


class Place(enum.StrEnum):
    """Where a key is listened to."""

    LAB = "In the lab"
    ROWS = "In a list"
    FORM = "In a form"
    PROBLEMS = "In the problems"
    COST = "In the cost"
    DATA = "In the data"
    PREDICT = "In the predictions"
    TRAIN = "In the training, while it runs"
    RUNS = "In the list of runs"
    DIALOG = "In a dialog"
    QUICK_ADD = "In the line that adds"


def _always(_: Situation) -> bool:
    return True


class Command(msgspec.Struct, frozen=True):
    """Something a person can do.

    Attributes:
        action: the name of the action: `add` runs `action_add`.
        keys: the keys in Textual's names; the first is the one that is shown.
        noun: what it acts on, for the palette.
        verb: what it does: the palette's and the help's words.
        help: one sentence.
        label: the footer's word; none: not in the footer.
        place: where the keys are listened to.
        when: whether it applies now.
        shown: whether it deserves room in the footer now, where that is less often than it applies.
        kept: the footer has it, whatever there is no room for.
    """

    action: str
    keys: tuple[str, ...]
    noun: str
    verb: str
    help: str
    label: str = ""
    place: Place = Place.LAB
    when: Callable[[Situation], bool] = _always
    shown: Callable[[Situation], bool] = _always
    kept: bool = False

    @property
    def title(self) -> str:
        """`Node: Add a layer`, as the palette lists it."""
        return f"{self.noun}: {self.verb}"

    @property
    def key_text(self) -> str:
        """The key as it is written for a person."""
        return key_text(self.keys[0]) if self.keys else ""

    def binding(self) -> Binding:
        """The binding of Textual."""
        return Binding(
            ",".join(self.keys), self.action, self.verb, show=False, id=f"{self.place.name}.{self.action}"
        )


_KEY_TEXTS = {
    "enter": "↵",
    "escape": "esc",
    "backspace": "⌫",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "space": "space",
    "plus": "+",
    "minus": "-",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def key_text(key: str) -> str:
    """A key of Textual as it is written for a person: `↵`, `esc`, `ctrl+r`."""
    return _KEY_TEXTS.get(key, key)
