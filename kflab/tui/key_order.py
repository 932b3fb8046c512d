"""Keys one after the other: each is answered where the one before it has led."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

_LOST = 1.0
"""Seconds after which a key whose way nobody saw the end of counts as answered."""


class KeyOrder:
    """Gives the app one key at a time, and none while a dialog opens or closes.

    Textual hands all keys that come in one burst to the widget that has the focus before it answers the first
    of them, so those that were meant for what the first opens would be answered by what was there before.

    Args:
        app: the app.
        answer: how the app answers a key: it sends it to the widget that has the focus, from where it goes up
            to the app if nobody takes it.
    """

    def __init__(self, app: App[None], answer: Callable[[events.Key], Awaitable[None]]) -> None:
        self._app, self._answer = app, answer
        self._waiting: deque[events.Key] = deque()
        self._sent = 0
        self._sent_at = 0.0
        self._is_travelling = False
        self._holds = 0
        self._is_holding = False

    async def take(self, key: events.Key) -> None:
        """Answers a key, now or after those before it."""
        self._waiting.append(key)
        if self._is_travelling and time.monotonic() - self._sent_at > _LOST:
            self._is_travelling = False
        await self._next()

    def hold_until_released(self) -> None:
        """Keeps keys back until `release`, however long that takes."""
        self._is_holding = True
        self._holds += 1

    def hold(self) -> None:
        """Keeps keys back until `release`, or for a second at most."""
        self.hold_until_released()
        self._app.set_timer(_LOST, lambda held=self._holds: self.release() if held == self._holds else None)

    def release(self) -> None:
        """Answers the keys that were kept back."""
        if self._is_holding:
            self._app.call_next(self._released)

    async def _released(self) -> None:
        self._is_holding = False
        await self._next()

    async def _next(self) -> None:
        while self._waiting and not self._is_travelling and not self._is_holding:
            self._is_travelling = True
            self._sent += 1
            self._sent_at = time.monotonic()
            start = self._app.focused or self._app.screen
            await self._answer(self._waiting.popleft())
            self._follow(self._sent, start)

    def _follow(self, number: int, node: MessagePump | None) -> None:
        """Goes the way of a key, behind it in every queue, up to the app."""
        while node is not None and node is not self._app:
            if node.call_later(self._follow, number, node._parent):
                return
            node = node._parent
        self._app.call_later(self._landed, number)

    async def _landed(self, number: int) -> None:
        if number == self._sent:
            self._is_travelling = False
            await self._next()
