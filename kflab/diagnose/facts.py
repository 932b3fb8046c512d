"""What rules look at: the experiment, and what is known of its shapes, its data and what it will cost."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.catalog.dataset_types import DatasetInfo
from kflab.catalog.matching import Matching
from kflab.catalog.profiles import Profile
from kflab.diagnose.findings import Finding
from kflab.engine.protocol import Report
from kflab.experiment import Experiment


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an experiment before it is trained; a rule is silent about what is not.

    Attributes:
        experiment: the experiment.
        report: the engine's report: shapes, counts, cost.
        info: what the dataset is said to hold.
        matching: which array feeds which Input, and what each output is held against.
        profile: what was seen in the data itself.
        base: the folder that relative paths start from.
        told: what was found while the model was wired up and called.
    """

    experiment: Experiment
    report: Report | None = None
    info: DatasetInfo | None = None
    matching: Matching | None = None
    profile: Profile | None = None
    base: Path | None = None
    told: tuple[Finding, ...] = ()
