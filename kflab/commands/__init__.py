"""The commands of `kflab`, a module for each group of them; what a command needs is imported when it runs."""

from __future__ import annotations

from typing import NamedTuple

OPEN = "open"
"""The command that is meant when none is named."""


class Offered(NamedTuple):
    """A command: the module and function that it is, and what it does in a few words."""

    module: str
    function: str
    help: str


COMMANDS = {
    OPEN: Offered("lab", "open_lab", "Open the lab."),
    "run": Offered("running", "run", "Train an experiment."),
    "check": Offered("checking", "check", "Tell what is wrong with an experiment, and mend it."),
    "explain": Offered("explaining", "explain", "Explain a rule by its code, or list all rules."),
    "data": Offered("data", "data", "Look at data: what it holds, its classes, some samples."),
    "cost": Offered("costing", "cost", "Tell what training takes: memory, operations, time."),
    "summary": Offered("inspecting", "summary", "Print the Keras summary of a model."),
    "graph": Offered("drawing", "graph", "Draw the graph as text or as SVG."),
    "code": Offered("coding", "code", "Print an experiment as a Keras script or notebook."),
    "import": Offered("importing", "import_model", "Bring in a model: a .keras file, an architecture..."),
    "add": Offered("adding", "add", "Add layers to a model: conv2d 32 3 relu | maxpool 2."),
    "edit": Offered("editing", "edit", "Edit the graph: rename, connect, set, group, paste..."),
    "list": Offered("listing", "list_offers", "List presets, datasets, layers, optimizers..."),
    "runs": Offered("runs", "runs", "List the runs, the newest first."),
    "show": Offered("runs", "show", "Tell about one run."),
    "predict": Offered("predicting", "predict", "Predict with the model of a run: test split or files."),
    "watch": Offered("runs", "watch", "Follow a run until it is over."),
    "queue": Offered("queueing", "queue", "List the runs that wait, and change their order."),
    "stop": Offered("steering", "stop", "Stop a run and keep its model."),
    "pause": Offered("steering", "pause", "Pause a run until it is told to go on."),
    "resume": Offered("resuming", "resume", "Go on with a run: paused, stopped, done or died."),
    "snapshot": Offered("steering", "snapshot", "Take a snapshot of a run now."),
    "rate": Offered("steering", "rate", "Set the learning rate of a run: 1e-4, x0.5."),
    "epochs": Offered("steering", "epochs", "Train a run for more or fewer epochs: 30, +5, -2."),
    "evaluate": Offered("steering", "evaluate", "Evaluate the model of a run as it is now."),
    "recover": Offered("recovering", "recover", "List or restore what was edited and not saved."),
    "schema": Offered("schema", "schema", "Print the JSON schema of the document."),
    "settings": Offered("settling", "settings", "Print or change the settings of this machine."),
    "doctor": Offered("doctor", "doctor", "Tell what kflab finds on this machine."),
}
"""Every command by the name that is typed, in the order that help lists them."""
