"""The lab's line to whoever looks at data: a process for each question, so that no array is loaded here."""

from __future__ import annotations

from kflab.catalog.looks import Asked, Look
from kflab.errors import KflabError
from kflab.tui.questions import ask

PATIENCE = 60.0
"""Seconds after which a look that has not come counts as failed: a library may have to be loaded first."""

LOG = "data.log"
"""What the process prints goes to this file among the logs."""


async def look(asked: Asked, patience: float = PATIENCE) -> Look:
    """Looks at data; what goes wrong comes as the answer's error. Cancelled, it ends the process, too.

    Args:
        asked: what is wanted.
        patience: the seconds it may take.
    """
    try:
        return await ask("kflab.data", asked, Look, doing="looking at the data", log=LOG, patience=patience)
    except KflabError as error:
        return Look(error=str(error))
