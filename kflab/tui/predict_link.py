"""The lab's line to whoever predicts: a process for each question, so that no Keras is loaded here."""

from __future__ import annotations

import asyncio

from kflab.errors import KflabError
from kflab.predict.asking import LOG, Asked, known
from kflab.predict.results import Answer
from kflab.tui.questions import ask

PATIENCE = 600.0
"""Seconds after which predictions that have not come count as failed."""


async def predict(asked: Asked, patience: float = PATIENCE) -> Answer:
    """Predicts, or finds what was predicted before; what goes wrong comes as the answer's error.

    Cancelled, it ends the process, too.

    Args:
        asked: what is wanted.
        patience: the seconds it may take.

    Raises:
        UnusableInputError: the run has no model yet, or there is no such file.
    """
    if (kept := await asyncio.to_thread(known, asked)) is not None:
        return Answer(kept)
    try:
        return await ask("kflab.predict", asked, Answer, doing="predicting", log=LOG, patience=patience)
    except KflabError as error:
        return Answer(error=str(error))
