"""Offering what a lab that crashed had not saved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kflab import recovery
from kflab.errors import KflabError
from kflab.tui.actions.base import LabBase
from kflab.tui.restoring import Offer, offers_for, restored


class RecoveryActions(LabBase):
    """Looks for recovery files of the experiment that was opened, and asks what to do with them."""

    def offer_unsaved(self, *, nameless: bool = False) -> None:
        """Looks for unsaved changes and offers them.

        Args:
            nameless: offer experiments that never had a file, too.
        """
        self.run_worker(self._offer_unsaved(nameless=nameless), group="recovery", exclusive=True)

    async def _offer_unsaved(self, *, nameless: bool) -> None:
        try:
            found = await asyncio.to_thread(offers_for, self.session, nameless=nameless)
        except KflabError as problem:
            self.say(str(problem), error=True)
            return
        for line in found.lines:
            self.say(line, error=True)
        self._ask_unsaved(found.offers)

    def _ask_unsaved(self, offers: Sequence[Offer]) -> None:
        if not offers:
            return
        offer, *others = offers
        more = f"\nThere are {len(others)} more; `kflab recover` lists all." if others else ""

        def answered(key: str) -> None:
            if key == "l":
                self._look_at_unsaved(offer, offers)
                return
            try:
                if key == "r":
                    self._restore_unsaved(offer)
                else:
                    recovery.remove(offer.place)
                    self._ask_unsaved(others)
            except KflabError as problem:
                self.say(str(problem), error=True)

        answers = [("r", "Restore"), ("d", "Discard"), ("l", "Look at them")]
        self.confirm("Unsaved changes", offer.text + more, answers, answered, cancel="Later")

    def _restore_unsaved(self, offer: Offer) -> None:
        session = restored(offer, self.session)
        if session.path == self.session.path and session.source == self.session.source:
            self.lab.keep_on(session, offer.place)
        else:
            self.lab.turn_to(session, offer.place)
        self.say(f"{offer.unsaved.name}: unsaved changes restored; w saves them, u takes them back")

    def _look_at_unsaved(self, offer: Offer, offers: Sequence[Offer]) -> None:
        from kflab.tui.screens.difference import Difference

        async def look() -> None:
            lines = await asyncio.to_thread(_difference, offer)
            await self.app.push_screen(
                Difference(f"{offer.unsaved.name} and its unsaved changes", lines),
                lambda _: self._ask_unsaved(offers),
            )

        self.run_worker(look(), group="recovery", exclusive=True)


def _difference(offer: Offer) -> list[str]:
    unsaved = offer.unsaved
    try:
        lines = recovery.difference(unsaved, recovery.text_before(unsaved))
    except KflabError as problem:
        return [str(problem)]
    return lines or ["Only the order or the spelling differs."]
