"""What the columns of the datasets of the catalog are called, as their sources call them."""

from __future__ import annotations

from sklearn import datasets

_BOSTON = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")
_BUNDLED = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
}


def column_names(source: str) -> tuple[str, ...]:
    """The names of the columns of a dataset's features; nothing where it has none."""
    if source in _BUNDLED:
        return tuple(str(name).replace("_", " ") for name in _BUNDLED[source]().feature_names)
    return _BOSTON if source == "boston_housing" else ()
