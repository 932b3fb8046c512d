"""The rows of the setup, one part under the other."""

from __future__ import annotations

from kflab.tui.rows.about import about_rows
from kflab.tui.rows.data import data_rows
from kflab.tui.rows.outputs import output_rows
from kflab.tui.rows.row import Row
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.training import callback_rows, number_rows, optimizer_rows


def setup_rows(setting: Setting) -> list[Row]:
    """Every row of the setup."""
    return [
        Row(label="Data", heading=True),
        *data_rows(setting),
        Row(label="Training", heading=True),
        *number_rows(setting),
        *optimizer_rows(setting),
        *output_rows(setting),
        Row(label="Callbacks", heading=True),
        *callback_rows(setting),
        Row(label="Experiment", heading=True),
        *about_rows(setting),
    ]
