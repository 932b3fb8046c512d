"""What the names of logged values say: validation or training, which direction is better, their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

VALIDATION = "val_"
LOSS = "loss"

# Keras decides the direction in each metric's class, which a name in a log cannot reach. These words make up
# the names that Keras gives to its metrics of that direction; a metric that a person renamed may have none.
_UP = re.compile(
    r"(?:^|_)(acc|accuracy|auc|precision|recall|sensitivity|specificity|f1|fbeta|iou|io_u|r2|pearson|concordance"
    r"|similarity|true)(?:_|$)"
)
_DOWN = re.compile(
    r"(?:^|_)(loss|error|mse|mae|mape|msle|rmse|hinge|crossentropy|divergence|kld|poisson|logcosh|huber|false)"
    r"(?:_|$)"
)


def base_name(name: str) -> str:
    """The name without `val_`."""
    return name.removeprefix(VALIDATION)


def higher_is_better(name: str) -> bool | None:
    """Whether more of it is better; None where the name does not tell."""
    plain = base_name(name).lower()
    if _DOWN.search(plain):
        return False
    if _UP.search(plain):
        return True
    return None


def in_order(names: Iterable[str], outputs: Sequence[str] = ()) -> tuple[str, ...]:
    """Names without `val_` in the order to show them: the loss, what holds for the model, then each output's.

    Args:
        names: names in the order they came.
        outputs: the names of the model's outputs, in order.
    """

    def place(name: str) -> tuple[int, int, bool]:
        # The longest name wins, so that `digit_0_loss` is not taken for one of `digit`.
        owners = [output for output in outputs if name.startswith(f"{output}_")]
        owner = outputs.index(max(owners, key=len)) + 1 if owners and len(outputs) > 1 else 0
        return owner, 0 if name == LOSS else 1, not name.endswith(f"_{LOSS}")

    return tuple(sorted(dict.fromkeys(names), key=place))
