"""How many samples a model is trained on, as far as that can be told before they are loaded."""

from __future__ import annotations

from kflab.diagnose.facts import Facts


def training_samples(facts: Facts) -> int | None:
    """The training samples after the split; nothing where they are not known."""
    if facts.profile is not None and facts.profile.train:
        return facts.profile.train
    if facts.info is None or not facts.info.train:
        return None
    data, samples = facts.experiment.data, facts.info.train
    if not facts.info.test:
        samples -= round(samples * data.test)
    if data.limit is not None:
        samples = min(samples, data.limit)
    return max(samples - round(samples * data.validation), 1)
