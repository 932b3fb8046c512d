"""What people get wrong with Keras: each mistake is found at its place, and what is fixed trains.

The documents in `tests/mistakes` say themselves what is expected of them, in comments on their first lines:
`# expected: KF004 at conv`, once for each finding that is no information; `# no fix` where nothing can mend
it; `# not read` where the document is refused as it is read.
"""

from __future__ import annotations

import functools
import json
import math
import re
from pathlib import Path

import keras
import pytest

from kflab import document, presets
from kflab.catalog.datasets import DatasetInfo, describe
from kflab.catalog.profiles import Profile
from kflab.data.batches import open_batches
from kflab.data.load import load
from kflab.data.profile import NotDownloadedError, profile
from kflab.diagnose import codes
from kflab.diagnose.check import check
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.mending import Mended, mend
from kflab.engine.build import build
from kflab.engine.inspect import Inspector
from kflab.engine.stateless import without_weights
from kflab.errors import UnusableInputError
from kflab.experiment import Experiment
from kflab.imports import config
from kflab.train.compiling import compile_model
from kflab.train.feeding import fed_with

from .test_import_applications import SMALLEST

FOLDER = Path(__file__).parents[1] / "mistakes"
DOCUMENTS = sorted(FOLDER.glob("*.yaml"))
EXPECTED = re.compile(r"^# expected: (KF\d{3}) at (.+)$", re.MULTILINE)
NOT_READ, NO_FIX = "# not read\n", "# no fix\n"

READ = [path for path in DOCUMENTS if NOT_READ not in path.read_text(encoding="utf-8")]
MENDED = [path for path in READ if NO_FIX not in path.read_text(encoding="utf-8")]
FIRST_OF_EACH = list({path.stem.partition("_")[0]: path for path in reversed(MENDED)}.values())


@functools.cache
def inspector() -> Inspector:
    return Inspector()


def found(experiment: Experiment, base: Path = FOLDER) -> tuple[Finding, ...]:
    """All that is found when everything is known: the graph, the data and what is in it."""
    model = experiment.model
    key = (str(experiment.data), str([model.nodes.get(name) for name in model.input_names()]))
    info, seen = looked_at.get(key, (None, None))
    if info is None:
        try:
            info = describe(experiment.data, base)
            seen = profile(experiment, base)
        except NotDownloadedError:
            pass
        except UnusableInputError as error:
            if not error.code:  # else a rule tells it
                raise
        looked_at[key] = info, seen
    return check(experiment, info, inspector().inspect(experiment), base, seen)


looked_at: dict[tuple[str, str], tuple[DatasetInfo | None, Profile | None]] = {}
"""What was seen in data before: many documents have the same."""


def expected(path: Path) -> list[tuple[str, str]]:
    return [(code, place.strip()) for code, place in EXPECTED.findall(path.read_text(encoding="utf-8"))]


@functools.cache
def mended(path: Path) -> Mended:
    return mend(document.read(path), found, unsafe=True)


def name_of(path: Path) -> str:
    return path.stem


def test_every_document_says_what_is_expected_of_it() -> None:
    assert DOCUMENTS
    for path in DOCUMENTS:
        assert expected(path), path.name
        assert path.name.startswith(expected(path)[0][0]), path.name


@pytest.mark.parametrize("path", READ, ids=name_of)
def test_a_mistake_is_found_at_its_place_and_once(path: Path) -> None:
    findings = found(document.read(path))
    wanted = expected(path)
    told = [(finding.code, finding.place) for finding in findings]
    assert set(wanted) <= set(told), findings
    others = [
        finding
        for finding in findings
        if (finding.code, finding.place) not in wanted and finding.severity is not Severity.INFO
    ]
    assert not others


@pytest.mark.parametrize("path", sorted(set(DOCUMENTS) - set(READ)), ids=name_of)
def test_a_document_that_is_not_read_is_refused_by_its_rule(path: Path) -> None:
    with pytest.raises(UnusableInputError) as refused:
        document.read(path)
    ((code, place),) = expected(path)
    assert refused.value.code == code
    where = f"line {refused.value.line}" if place.startswith("line") else refused.value.path.split(".")[-2]
    assert where == place


@pytest.mark.parametrize("path", MENDED, ids=name_of)
def test_what_is_fixed_has_no_error_and_not_the_mistake(path: Path) -> None:
    result = mended(path)
    codes = {code for code, _ in expected(path)}
    assert codes <= {finding.code for finding in result.applied}
    left = [finding for finding in result.findings if finding.severity is Severity.ERROR]
    assert not left
    assert not codes & {finding.code for finding in result.findings}
    assert document.read_text(document.dump(result.experiment, path.read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.parametrize("path", FIRST_OF_EACH, ids=name_of)
def test_what_is_fixed_trains(path: Path) -> None:
    experiment = mended(path).experiment
    model = build(experiment)
    compile_model(model, experiment.training)
    model.run_eagerly = True  # a single step is over before it would be traced
    train = load(experiment, FOLDER, None, 1).train
    fed = fed_with(train, experiment.model, batch_size=min(len(train), 16), seed=1, shuffle=False)
    with open_batches(fed.batches, None):
        history = model.fit(**fed.arguments, epochs=1, steps_per_epoch=1, verbose=0)
    assert math.isfinite(history.history["loss"][0])
    keras.utils.clear_session()


@pytest.mark.parametrize("name", presets.names())
def test_no_rule_fires_on_a_preset(name: str) -> None:
    path = presets.path(name)
    assert found(document.read(path), path.parent) == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_a_published_architecture_gets_at_most_one_warning(name: str) -> None:
    def brought_in() -> Experiment:
        source = getattr(keras.applications, name)(weights=None)
        return config.read(json.loads(source.to_json()), title=name).experiment

    experiment = without_weights(brought_in)
    unfinished = {codes.NOT_CHOSEN}  # it comes without data and without a loss
    findings = check(experiment, None, inspector().inspect(experiment))
    told = [
        finding
        for finding in findings
        if finding.code not in unfinished and finding.severity is not Severity.INFO
    ]
    assert all(finding.severity is Severity.WARNING for finding in told)
    assert len(told) <= 1
