"""What the callbacks of a run did, told from their state: Keras only prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras


class Notices:
    """Finds out what callbacks did.

    Args:
        callbacks: the callbacks of the experiment.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        self._stoppers = _of(callbacks, keras.callbacks.EarlyStopping)
        self._has_plateau = bool(_of(callbacks, keras.callbacks.ReduceLROnPlateau))
        self.ends_on_nan = bool(_of(callbacks, keras.callbacks.TerminateOnNaN))

    def after_epoch(self, epoch: int, logs: Mapping[str, float], rate: float | None) -> list[str]:
        """What happened at the end of an epoch.

        Args:
            epoch: the epoch, counted from 1.
            logs: its logs, after every callback of the experiment has had them.
            rate: the learning rate now.
        """
        lines = []
        before = logs.get("learning_rate")  # ReduceLROnPlateau leaves the rate there that the epoch had
        if self._has_plateau and before is not None and rate is not None and rate < before * (1 - 1e-6):
            lines.append(f"ReduceLROnPlateau: learning rate {before:.4g} → {rate:.4g} after epoch {epoch}")
        for stopper in self._stoppers:
            if stopper.stopped_epoch == epoch - 1 and epoch > 1:
                line = f"EarlyStopping: {stopper.monitor} was best in epoch {stopper.best_epoch + 1}"
                restored = "; its weights are restored" if stopper.restore_best_weights else ""
                lines.append(f"{line}; stopped after epoch {epoch}{restored}")
        return lines

    def at_end(self, epochs: int) -> list[str]:
        """What happened when training ended after so many epochs, besides what was told before."""
        return [
            f"EarlyStopping: the weights of epoch {stopper.best_epoch + 1} are restored, "
            f"where {stopper.monitor} was best"
            for stopper in self._stoppers
            if stopper.restore_best_weights
            and not stopper.stopped_epoch
            and stopper.best_weights is not None
            and stopper.best_epoch + 1 < epochs
        ]


def _of(
    callbacks: Sequence[keras.callbacks.Callback], kind: type[keras.callbacks.Callback]
) -> list[keras.callbacks.Callback]:
    return [callback for callback in callbacks if isinstance(callback, kind)]
