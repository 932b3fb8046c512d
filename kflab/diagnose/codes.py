"""The codes of what stands in the way of building or running an experiment; rules give them their texts."""

from __future__ import annotations

from typing import Final

DISCONNECTED: Final = "KF009"
DIFFERENT_LENGTHS: Final = "KF014"
THERE_TWICE: Final = "KF011"
CODE_INSIDE: Final = "KF031"
NO_INPUT: Final = "KF101"
NO_OUTPUT: Final = "KF102"
UNKNOWN_REFERENCE: Final = "KF103"
CIRCLE: Final = "KF104"
MISSING_ARGUMENT: Final = "KF105"
NUMBER_OF_INPUTS: Final = "KF106"
REFUSED: Final = "KF107"
MERGES_ONE: Final = "KF108"
UNUSED_MODEL: Final = "KF109"
NOT_CHOSEN: Final = "KF110"
DATA_DOES_NOT_FIT: Final = "KF111"
NO_STARTING_WEIGHTS: Final = "KF112"
SWITCHED_OFF_IN_VAIN: Final = "KF113"
FROZEN_IN_VAIN: Final = "KF114"
MISPREPARED: Final = "KF115"
NO_SUCH_CLASS: Final = "KF116"
