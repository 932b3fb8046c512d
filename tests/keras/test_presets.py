"""Every preset is what it says: its graph builds, its parameters are as published, its result is reached."""

import operator
from pathlib import Path

import keras
import pytest

from kflab import document, presets
from kflab.catalog.datasets import Origin, describe
from kflab.catalog.matching import match
from kflab.engine.build import build, build_graph
from kflab.engine.inspect import Inspector
from kflab.experiment import Experiment
from kflab.runs.events import End
from kflab.runs.folder import create
from kflab.runs.info import read_info
from kflab.train.journal import Journal
from kflab.train.run import train

REQUIRED = {
    "digits_mlp",
    "digits_branches",
    "digits_siamese",
    "digits_autoencoder",
    "digits_sequence",
    "tickets",
    "spirals",
    "iris_mlp",
    "diabetes_regression",
    "sine_forecast",
    "ensemble",
    "mnist_mlp",
    "mnist_convnet",
    "mnist_autoencoder",
    "cifar10_resnet",
    "imdb_lstm",
    "reuters_mlp",
    "boston_housing_mlp",
}

PUBLISHED = {
    "mnist_mlp": 55_050,
    "mnist_convnet": 34_826,
    "cifar10_resnet": 223_242,
    "tickets": 1_392_097,
    "imdb_lstm": 2_757_761,
    "mnist_autoencoder": 28_241,
}

OPERATORS = {">=": operator.ge, "<=": operator.le}


def preset(name: str) -> Experiment:
    return document.read(presets.path(name))


OFFLINE = [name for name in presets.names() if describe(preset(name).data).origin is not Origin.DOWNLOAD]


def test_the_presets_that_the_documentation_names_are_there():
    assert set(presets.names()) >= REQUIRED
    assert presets.DEFAULT in presets.names()


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_has_a_title_notes_and_a_result(name: str):
    experiment = preset(name)
    assert experiment.title
    assert 2 <= len(experiment.notes.strip().splitlines()) <= 6
    assert experiment.result
    assert experiment.training.seed is not None


@pytest.mark.parametrize("name", presets.names())
def test_saving_a_preset_changes_nothing_that_it_says(name: str):
    experiment = preset(name)
    assert document.read_text(document.dump(experiment), name) == experiment


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_fits_its_data(name: str):
    experiment = preset(name)
    assert match(experiment.model, experiment.data, describe(experiment.data)).problems == ()


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_builds_and_the_engine_tells_the_same_of_it(name: str):
    experiment = preset(name)
    report = Inspector().inspect(experiment)
    assert report.findings == ()
    assert build(experiment).count_params() == report.model.totals.total
    keras.utils.clear_session()


@pytest.mark.parametrize(("name", "params"), PUBLISHED.items())
def test_a_preset_has_the_parameters_that_were_published(name: str, params: int):
    assert Inspector().inspect(preset(name)).model.totals.total == params


def test_the_encoder_of_the_guide():
    assert build_graph(preset("mnist_autoencoder"), "encoder").count_params() == 18_672


EVERY_DAY = {"digits_mlp", "iris_mlp"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in EVERY_DAY else pytest.mark.slow) for name in OFFLINE],
)
def test_a_preset_trains_to_the_result_in_its_notes(name: str, runs_dir: Path):
    text = presets.path(name).read_text(encoding="utf-8")
    experiment = preset(name)
    run_dir = create(text, experiment.title, runs_dir, seed=experiment.training.seed, backend="tensorflow")
    journal = Journal(run_dir)
    try:
        outcome = train(run_dir, read_info(run_dir), experiment, journal)
    finally:
        journal.close()
    assert outcome.status is End.DONE
    for metric, bound in experiment.result.items():
        sign, value = bound.split()
        reached = outcome.test[metric]
        assert reached is not None
        assert OPERATORS[sign](reached, float(value)), f"{metric} is {reached}, expected {bound}"
    keras.utils.clear_session()
