"""The datasets that came with scikit-learn, and the pairs of digits that are drawn from them."""

from __future__ import annotations

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

from kflab.catalog.bundled import BRIGHTEST, DIGITS_SEED, PAIRS_SEED, TEST_DIGITS
from kflab.catalog.offers import Settings
from kflab.data import recipes
from kflab.data.arrays import Array, Raw, Samples


def _digit_arrays() -> tuple[Array, Array, Array, Array]:
    pixels, digits = datasets.load_digits(return_X_y=True)
    images = (pixels / BRIGHTEST).astype("float32").reshape(-1, 8, 8, 1)
    train, test, digits_train, digits_test = train_test_split(
        images, digits.astype("int32"), test_size=TEST_DIGITS, stratify=digits, random_state=DIGITS_SEED
    )
    return train, digits_train, test, digits_test


def digits(_: Settings) -> Raw:
    """Handwritten digits, 8×8, with a fixed test split."""
    train, digits_train, test, digits_test = _digit_arrays()
    return Raw(
        Samples({"image": train}, {"digit": digits_train}),
        test=Samples({"image": test}, {"digit": digits_test}),
    )


def digits_pairs(settings: Settings) -> Raw:
    """Pairs of handwritten digits; the test pairs are drawn from the images of the test split alone."""
    train, digits_train, test, digits_test = _digit_arrays()
    random = np.random.default_rng(PAIRS_SEED)
    return Raw(
        _pairs(train, digits_train, settings.whole("pairs"), random),
        test=_pairs(test, digits_test, settings.whole("test_pairs"), random),
    )


def _pairs(images: Array, digits: Array, count: int, random: np.random.Generator) -> Samples:
    left, right, same = recipes.make_pairs(images, digits, count, random)
    return Samples({"left": left, "right": right}, {"same": same.astype("int32")})


def _features(table: tuple[Array, Array], target: str, dtype: str) -> Raw:
    features, targets = table
    return Raw(Samples({"features": features}, {target: targets.astype(dtype)}))


def iris(_: Settings) -> Raw:
    """Three species of iris."""
    return _features(datasets.load_iris(return_X_y=True), "species", "int32")


def wine(_: Settings) -> Raw:
    """Three cultivars of wine."""
    return _features(datasets.load_wine(return_X_y=True), "cultivar", "int32")


def breast_cancer(_: Settings) -> Raw:
    """Malignant and benign tumours."""
    return _features(datasets.load_breast_cancer(return_X_y=True), "diagnosis", "int32")


def diabetes(_: Settings) -> Raw:
    """Progression of diabetes, by measures in their own units."""
    return _features(datasets.load_diabetes(return_X_y=True, scaled=False), "progression", "float32")
