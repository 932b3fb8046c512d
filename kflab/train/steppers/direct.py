"""What backends have in common whose steps change the variables of the model themselves."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kflab.data.arrays import Array
from kflab.train.steppers.stepper import Made


class Direct:
    """Part of a stepper: waits for the device; its variables are never apart from the model's."""

    def settle(self) -> None:
        """The variables of the model are always up to date."""

    def take_up(self) -> None:
        """What is changed in the variables of the model holds from the next step on."""

    def wait(self, made: Made) -> None:
        """Waits until the device has made these steps."""
        np.asarray(made.losses)


def tensor(array: Array | None) -> Any:
    """An array as Keras gives it to its steps: numbers with a fraction in the default precision."""
    if array is None:
        return None
    is_float = np.issubdtype(array.dtype, np.floating)
    return keras.ops.convert_to_tensor(array, dtype=keras.config.floatx() if is_float else None)
