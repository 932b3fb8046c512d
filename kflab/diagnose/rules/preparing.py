"""Rules about how data is prepared and weighed, as far as the dataset's description tells."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.class_weight import PATH, weights_by_number, with_classes
from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.rules.rule import rule
from kflab.errors import UnusableInputError


@rule(codes.MISPREPARED, "misprepared", Severity.ERROR, ignorable=False)
def misprepared(facts: Facts) -> Iterator[Finding]:
    """A step that prepares data can not work where it stands.

    `data.prepare` and `data.augment` give the steps of each array of the dataset, by its name, in order. A
    step has to suit what the steps before it made, and random layers belong to `augment`, which changes
    training samples alone.

        data:
          source: reviews.csv
          prepare:
            text: [{Normalization: {}}]

    Put a step before it that makes what it needs, or another one in its place:

          prepare:
            text: [{TextVectorization: {max_tokens: 10000, output_sequence_length: 200}}]
    """
    for problem in facts.info.misprepared if facts.info else ():
        yield Finding(problem.message, path=problem.path)


@rule(codes.NO_SUCH_CLASS, "no-such-class", Severity.ERROR, ignorable=False)
def no_such_class(facts: Facts) -> Iterator[Finding]:
    """`training.class_weight` names a class that no output has, or that several have.

    Weights are given by the label or the number of the class. They count for the one output whose target has
    these classes.

        training: {class_weight: {malignnt: 3}}

    Name classes as the dataset does, or let each class count the same:

        training: {class_weight: {malignant: 3}}
        training: {class_weight: balanced}
    """
    wanted = facts.experiment.training.class_weight
    if not wanted or facts.matching is None or not facts.matching.targets:
        return
    try:
        classes = with_classes(facts.matching.targets)
        if not isinstance(wanted, str):
            weights_by_number(wanted, classes)
    except UnusableInputError as error:
        yield Finding(error.message, path=PATH)
