"""Names of modules as people import them, brought to the name that Keras 3 has for them."""

from __future__ import annotations

from collections.abc import Mapping

from kflab.catalog import Catalog, Entry, Kind
from kflab.graph.nodes import INPUT
from kflab.imports import keras1

_KERAS = (
    "tensorflow.compat.v1.keras",
    "tensorflow.compat.v2.keras",
    "tensorflow.python.keras",
    "tensorflow.keras",
    "tensorflow_core.keras",
    "tf_keras",
    "keras.api",
    "keras.src",
    "keras.engine",
)
"""Where Keras is found besides `keras`."""

MODELS = frozenset(
    {
        "keras.Model",
        "keras.models.Model",
        "keras.Functional",
        "keras.training.Model",
        "keras.models.Functional",
    }
)
"""Names of the class of functional models."""

STACKS = frozenset({"keras.Sequential", "keras.models.Sequential"})
"""Names of the class of stacks of layers."""

_SAME_IN_TENSORFLOW = ("initializers", "losses", "metrics", "optimizers")
_MODULES: Mapping[str, Kind] = {
    "layers": Kind.LAYER,
    "losses": Kind.LOSS,
    "metrics": Kind.METRIC,
    "callbacks": Kind.CALLBACK,
    "initializers": Kind.INITIALIZER,
    "regularizers": Kind.REGULARIZER,
    "constraints": Kind.CONSTRAINT,
}
_OTHER_NAMES: Mapping[str, str] = {
    "concat": "concatenate",
    "reduce_mean": "mean",
    "reduce_sum": "sum",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_prod": "prod",
    "reduce_any": "any",
    "reduce_all": "all",
    "reduce_std": "std",
    "reduce_variance": "var",
    "batch_dot": "",
    "swish": "silu",
    "l2_normalize": "normalize",
    "mod": "mod",
    "pow": "power",
    "top_k": "top_k",
    "identity": "",
}
"""Functions of TensorFlow and `keras.backend` that `keras.ops` has by another name; "" where it has none."""

_OTHER_ARGUMENTS = frozenset({"gather", "image.resize"})


def canonical(path: str) -> str:
    """A dotted name as Keras 3 has it: `keras.layers.Dense` for `tensorflow.keras.layers.Dense`."""
    for prefix in _KERAS:
        if path == prefix or path.startswith(f"{prefix}."):
            return "keras" + path[len(prefix) :]
    root, _, rest = path.partition(".")
    if root == "tensorflow" and rest.partition(".")[0] in _SAME_IN_TENSORFLOW:
        return f"keras.{rest}"
    return path


def kind_of(path: str, catalog: Catalog) -> Entry | None:
    """The class or function of the catalog that a name of a module stands for, if it is one."""
    parts = path.split(".")
    if parts[0] != "keras" or len(parts) < 2:
        return None
    last = parts[-1]
    if last == "InputLayer":
        last = INPUT
    if len(parts) == 2:
        return catalog.find(Kind.LAYER, last) if last == INPUT else None
    module = parts[1]
    if module == "optimizers":
        if "schedules" in parts:
            return catalog.find(Kind.SCHEDULE, last)
        return catalog.find(Kind.OPTIMIZER, last) or catalog.find(Kind.SCHEDULE, last)
    if module in _MODULES:
        return catalog.find(_MODULES[module], keras1.successor(last))
    if module == "models" and last == "Input":
        return catalog.find(Kind.LAYER, last)
    return None


def merging_layer(path: str, catalog: Catalog) -> Entry | None:
    """The layer behind a function of `keras.layers` that makes and calls it at once, as `add` does."""
    if not path.startswith("keras.layers."):
        return None
    last = path.rpartition(".")[2]
    entry = catalog.find(Kind.LAYER, last.capitalize()) if last.islower() else None
    return entry if entry is not None and entry.group == "merging" else None


def operation(path: str, catalog: Catalog) -> Entry | None:
    """The function of `keras.ops` that a function of Keras or TensorFlow is, when tensors are given."""
    root, _, rest = path.partition(".")
    if root == "keras":
        module, _, name = rest.partition(".")
        if module == "ops":
            return catalog.find(Kind.OP, f"ops.{name}") or catalog.find(
                Kind.OP, f"ops.{name.rpartition('.')[2]}"
            )
        if module not in {"activations", "backend"}:
            return None
    elif root != "tensorflow":
        return None
    else:
        name = rest
    last = name.rpartition(".")[2]
    if name in _OTHER_ARGUMENTS:
        return None
    last = _OTHER_NAMES.get(last, last)
    if not last:
        return None
    image = catalog.find(Kind.OP, f"ops.image.{last}") if "image" in name else None
    return image or catalog.find(Kind.OP, f"ops.{last}")
