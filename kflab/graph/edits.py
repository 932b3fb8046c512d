"""Edits of an experiment's graphs: pure functions from one experiment to the next.

Each takes the name of the graph it edits, "" for the main model, and returns the new experiment with a name
for undo and the node to select. An edit that would break the graph raises `EditRefusedError` with the reason;
what an edit may leave incomplete, such as a merge with one input, is a finding later and not an error here.
"""

from kflab.graph.adding import add_after, add_before, add_between, add_branch, add_merge
from kflab.graph.arguments import (
    can_freeze,
    freeze,
    is_frozen,
    reset_argument,
    reset_call_argument,
    set_argument,
    set_call_argument,
)
from kflab.graph.copying import Clip, copy, cut, duplicate, paste
from kflab.graph.edited import Edited, EditRefusedError, replace_graph
from kflab.graph.naming import fresh_name
from kflab.graph.nesting import Tensors, callers, delete_model, group, ungroup
from kflab.graph.references import Slot, slots
from kflab.graph.removing import delete, delete_all
from kflab.graph.renaming import rename, rename_model
from kflab.graph.swapping import set_target, share, shareable, unshare
from kflab.graph.wiring import (
    connect,
    connectable,
    disconnect,
    move_input,
    move_model_input,
    move_output,
    tensor_arguments,
    toggle_output,
)

__all__ = [
    "Clip",
    "EditRefusedError",
    "Edited",
    "Slot",
    "Tensors",
    "add_after",
    "add_before",
    "add_between",
    "add_branch",
    "add_merge",
    "callers",
    "can_freeze",
    "connect",
    "connectable",
    "copy",
    "cut",
    "delete",
    "delete_all",
    "delete_model",
    "disconnect",
    "duplicate",
    "freeze",
    "fresh_name",
    "group",
    "is_frozen",
    "move_input",
    "move_model_input",
    "move_output",
    "paste",
    "rename",
    "rename_model",
    "replace_graph",
    "reset_argument",
    "reset_call_argument",
    "set_argument",
    "set_call_argument",
    "set_target",
    "share",
    "shareable",
    "slots",
    "tensor_arguments",
    "toggle_output",
    "ungroup",
    "unshare",
]
