"""What is known about the splits of a dataset before it is loaded."""

from __future__ import annotations

TEST_SEED = 5
"""The seed that chooses the samples of the test split, whatever the seed of the training is."""


def can_cut(samples: int, fraction: float, gap: int) -> bool:
    """Whether a fraction of samples that follow each other in time can be held back.

    Args:
        samples: how many there are.
        fraction: how much of them.
        gap: how many are left out between the two parts.
    """
    count = round(samples * fraction)
    return count > 0 and samples - count - gap >= 1
