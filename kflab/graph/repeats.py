"""What repeats in a graph: the same layers wired in the same way, once more and once more.

It works on rows, each a word (what the row calls) and the rows that feed it. Two rows are alike when they
have the same word and are fed from as far above; what comes from further above than one repetition is long
is alike wherever it comes from, so that blocks which all take the same mask are the same blocks.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

_LONGEST = 120
_LEAST_REGION = 4

_Token: TypeAlias = tuple[str, tuple[int, ...]]
_Run: TypeAlias = tuple[int, int, int]


class Block(msgspec.Struct, frozen=True):
    """Rows that can be shown as one.

    Attributes:
        start: the first row.
        size: the rows of one repetition.
        count: how often it is there, one after the other.
        inside: what can be folded within: the single repetitions where they are long.
    """

    start: int
    size: int
    count: int = 1
    inside: tuple[Block, ...] = ()

    @property
    def end(self) -> int:
        """The row behind the last."""
        return self.start + self.size * self.count


def _start(block: Block) -> int:
    return block.start


def _moved(block: Block, rows: int) -> Block:
    """The same block further down."""
    inside = tuple(_moved(inner, rows) for inner in block.inside)
    return Block(block.start + rows, block.size, block.count, inside)


@functools.lru_cache(maxsize=32)
def find_blocks(
    words: tuple[str, ...], fed_by: tuple[tuple[int, ...], ...], heads: tuple[bool, ...]
) -> tuple[Block, ...]:
    """What repeats, from top to bottom; blocks do not overlap.

    Args:
        words: what each row calls.
        fed_by: the rows that feed each, all above it.
        heads: whether a block is likely to begin with a row: layers with a size of their own do.
    """
    return _Search(words, fed_by, heads).blocks()


class _Search:
    def __init__(self, words: Sequence[str], fed_by: Sequence[Sequence[int]], heads: Sequence[bool]) -> None:
        self._words, self._fed_by, self._heads = words, fed_by, heads
        self._offsets = [tuple(row - source for source in sources) for row, sources in enumerate(fed_by)]
        self._live = self._crossing()
        self._runs = list(self._all_runs())
        # A region: one value comes in, one goes out, branches are between.
        cuts = [row for row, live in enumerate(self._live) if live <= 1]
        self._regions = [pair for pair in itertools.pairwise(cuts) if pair[1] - pair[0] >= _LEAST_REGION]
        self._named = {region: self._signature(*region) for region in self._regions}

    def _crossing(self) -> list[int]:
        """How many values cross from above each row to it or below; one more entry for the end."""
        last = list(range(len(self._words)))
        for row, sources in enumerate(self._fed_by):
            for source in sources:
                last[source] = row
        change = [0] * (len(self._words) + 2)
        for row, taken in enumerate(last):
            change[row + 1] += 1
            change[taken + 1] -= 1
        return list(itertools.accumulate(change))[: len(self._words) + 1]

    def _all_runs(self) -> Iterator[_Run]:
        """The period, the first and the last row of every stretch that is like what stands a period below."""
        numbers: dict[_Token, int] = {}

        def number(row: int, period: int) -> int:
            far = tuple(offset if offset <= period else 0 for offset in self._offsets[row])
            return numbers.setdefault((self._words[row], far), len(numbers))

        total = len(self._words)
        reach = [max(offsets, default=0) for offsets in self._offsets]
        by_reach = sorted(range(total), key=lambda row: -reach[row])
        near = [number(row, total) for row in range(total)]
        for period in range(1, min(total // 2, _LONGEST) + 1):
            tokens = near.copy()
            for row in by_reach:
                if reach[row] <= period:
                    break
                tokens[row] = number(row, period)
            alike = bytes(map(operator.eq, tokens, tokens[period:]))
            wanted = b"\1" * period
            begin = alike.find(wanted)
            while begin >= 0:
                end = alike.find(b"\0", begin)
                end = len(alike) if end < 0 else end
                yield period, begin, end
                begin = alike.find(wanted, end)

    def blocks(self) -> tuple[Block, ...]:
        """All blocks of the graph: those with one way in and out come first, then what else repeats."""
        blocks = self._repeated(0, len(self._words), is_closed=True)
        blocks += self._apart(self._free(blocks))
        for low, high in self._free(blocks):
            blocks += self._repeated(low, high)
        return tuple(sorted(blocks, key=_start))

    def _free(self, blocks: Sequence[Block]) -> list[tuple[int, int]]:
        """The rows between some blocks."""
        ends = [0, *(block.end for block in sorted(blocks, key=_start))]
        starts = [*(block.start for block in sorted(blocks, key=_start)), len(self._words)]
        return list(zip(ends, starts, strict=True))

    def _repeated(self, low: int, high: int, *, is_closed: bool = False) -> list[Block]:
        """What repeats directly within some rows: first what covers most, then what is left beside it."""
        found: list[Block] = []
        stretches = [(low, high)]
        while stretches:
            low, high = stretches.pop()
            best = self._best(low, high, is_closed=is_closed)
            if best is None:
                continue
            start, period, count = best
            block = Block(start, period, count)
            if period > _LEAST_REGION:
                last = Block(block.end - period, period, 1, self._within(block.end - period, block.end))
                inside = tuple(_moved(last, -times * period) for times in reversed(range(count)))
                block = msgspec.structs.replace(block, inside=inside)
            found.append(block)
            stretches += [(low, start), (block.end, high)]
        return sorted(found, key=_start)

    def _within(self, low: int, high: int) -> tuple[Block, ...]:
        return tuple(self._repeated(low, high))

    def _best(self, low: int, high: int, *, is_closed: bool) -> _Run | None:
        """The start, size and count of the repetition that covers most."""
        ranked: list[tuple[int, int, int, int]] = []
        for period, first, last in self._runs:
            begin, end = max(first, low), min(last + period, high)
            if end - begin < 2 * period - 1:
                continue
            if self._is_entry(begin - 1, period, low):
                begin -= 1
            count = (end - begin) // period
            if count >= (3 if period == 1 else 2):
                ranked.append((-count * period, period, begin, end))
        for _, period, begin, end in sorted(ranked):
            start, count, crossed = self._turn(period, begin, end)
            if is_closed and crossed > 1:
                continue
            if self._is_one(start, start + period) and self._is_in_line(start, period, count):
                return start, period, count
        return None

    def _is_in_line(self, start: int, period: int, count: int) -> bool:
        """Whether each repetition is fed by the one before: branches that are alike stand side by side."""
        return all(
            any(
                low - period <= source < low
                for row in range(low, low + period)
                for source in self._fed_by[row]
            )
            for low in range(start + period, start + period * count, period)
        )

    def _is_one(self, begin: int, end: int) -> bool:
        """Whether rows are one block and not several: a stage of blocks repeats what is inside it."""
        first = bisect.bisect_left(self._regions, (begin, begin))
        inside = itertools.takewhile(lambda region: region[1] <= end, self._regions[first:])
        signatures = [self._named[region] for region in inside]
        return len(signatures) == len(set(signatures))

    def _is_entry(self, row: int, period: int, low: int) -> bool:
        """Whether a row could begin the first repetition although it is fed from elsewhere than later."""
        return (
            row >= low
            and self._heads[row]
            and self._words[row] == self._words[row + period]
            and len(self._fed_by[row]) == len(self._fed_by[row + period])
        )

    def _turn(self, period: int, begin: int, end: int) -> tuple[int, int, int]:
        """Where the first repetition begins, how many there are, and how many values cross between them.

        The best begin is where the least crosses, most repetitions follow, and a head stands after none.
        """
        least = 3 if period == 1 else 2

        def rank(start: int) -> tuple[int, int, bool, bool, int]:
            count = (end - start) // period
            crossed = max(self._live[start + period * times] for times in (0, 1, count))
            return crossed, -count, not self._heads[start], self._heads[start + period - 1], start

        starts = range(begin, min(begin + period, end - least * period) + 1)
        crossed, count, _, _, start = min(map(rank, starts))
        return start, -count, crossed

    def _apart(self, free: Sequence[tuple[int, int]]) -> Iterator[Block]:
        """Regions that stand in several places, not one after the other."""
        counted = Counter(self._named.values())
        groups: dict[tuple[_Token, ...], list[tuple[int, int, int]]] = {}
        for begin, end in self._regions:
            signature = self._named[begin, end]
            for low, high in free:
                if low <= begin and end <= high and counted[signature] > 1:
                    groups.setdefault(signature, []).append((begin, end, high))
        for places in groups.values():
            more = self._tail(places)
            for begin, end, _ in places:
                yield Block(begin, end + more - begin, 1, self._within(begin, end + more))

    def _signature(self, begin: int, end: int) -> tuple[_Token, ...]:
        return tuple(
            (self._words[row], tuple(offset if row - offset >= begin else 0 for offset in self._offsets[row]))
            for row in range(begin, end)
        )

    def _tail(self, places: Sequence[tuple[int, int, int]]) -> int:
        """How many rows after the regions are alike and belong to them: an activation after the merge."""
        more = 0
        while all(
            end + more < high and self._live[end + more + 1] == 1 and not self._heads[end + more]
            for _, end, high in places
        ):
            following = {(self._words[end + more], self._offsets[end + more]) for _, end, _ in places}
            if len(following) > 1:
                break
            more += 1
        return more
