"""The rule on arrays that do not have as many samples as each other."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.datasets import describe_raw
from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.rules.rule import rule
from kflab.errors import UnusableInputError


@rule(codes.DIFFERENT_LENGTHS, "different-lengths", Severity.ERROR, ignorable=False)
def lengths(facts: Facts) -> Iterator[Finding]:
    """Inputs and targets do not have as many samples as each other.

    Each sample has one value in every array, so all arrays of a split are of the same length. Keras says
    "Data cardinality is ambiguous". Often the labels were read from another file, or one array has its
    samples along another axis than the first.

    For example:

        numpy.savez("flowers.npz", x=table[:, :4], y=labels[:100])

    Write as many of each:

        numpy.savez("flowers.npz", x=table[:, :4], y=labels)
    """
    data = facts.experiment.data
    if facts.info is not None or not data.source:
        return
    # What can be described has arrays of one length.
    try:
        describe_raw(data, facts.base)
    except UnusableInputError as error:
        if error.code == codes.DIFFERENT_LENGTHS:
            yield Finding(error.message, path=error.path)
