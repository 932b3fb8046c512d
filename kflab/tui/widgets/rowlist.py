"""A list of rows with a cursor that draws only what is seen."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kflab.tui import keys

REMEMBERED = 500
"""How many lines a list remembers: a few screens full."""


def _strip_of(segments: Iterable[Segment], base: Style, width: int) -> Strip:
    """Pieces as a line of a width, in a style that they add to."""
    styled = [
        Segment(segment.text, base + segment.style if segment.style else base)
        for segment in segments
        if not segment.control
    ]
    return Strip(styled).adjust_cell_length(width, base)


class RowList(ScrollView, can_focus=True):
    """Rows of one line each, one under the cursor. A subclass says how many there are and draws one."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.ROWS))
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row--cursor",
        "row--idle",
        "row--quiet",
        "row--strong",
        "row--accent",
        "row--error",
        "row--warning",
        "row--rail",
    }
    DEFAULT_CSS = """
    RowList {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        background: $background;
        & .row--cursor { background: $cursor; text-style: bold; }
        & .row--idle { background: $cursor-idle; }
        & .row--quiet { color: $quiet; }
        & .row--strong { text-style: bold; }
        & .row--accent { color: $accent; }
        & .row--error { color: $error; }
        & .row--warning { color: $warning; }
        & .row--rail { color: $quiet; }
    }
    RowList:ansi {
        & .row--cursor { color: ansi_black; background: ansi_cyan; }
        & .row--idle { text-style: bold; }
        & .row--quiet { text-style: dim; }
        & .row--rail { text-style: dim; }
    }
    """

    cursor: reactive[int] = reactive(0)
    _is_bare = False  # while a row is drawn whose colours are those of the cursor alone

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: RowList, row: int) -> None:
            super().__init__()
            self.rows, self.row = rows, row

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    class Picked(Moved):
        """A row was clicked while the cursor stood on it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        self._seen: dict[int, Strip] = {}  # the lines as they were drawn last
        self._drawn: dict[int, Strip] = {}  # lines that were drawn to compare them, and are not shown yet
        self._made: dict[Hashable, Strip] = {}  # lines by what they say
        self._is_held_back = False
        self._is_behind = False
        self._styles: dict[str, Style] = {}  # what Textual works out anew for every row
        super().__init__(id=id)

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def draw(self, row: int, width: int) -> Text:
        """One row, at most `width` places wide."""
        raise NotImplementedError

    def segments(self, row: int, width: int) -> Iterable[Segment]:
        """One row in pieces of one style each; a list that knows them need not draw."""
        return self.draw(row, width).render(self.app.console, end="")

    def selectable(self, row: int) -> bool:
        """Whether the cursor may stand on a row."""
        return 0 <= row < self.count()

    def part(self, name: str) -> Style:
        """The style of a part of a row: `quiet`, `strong`, `accent`, `error`, `warning`, `rail`."""
        if self._is_bare:
            return Style()
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"row--{name}", partial=True)
        return self._styles[name]

    def notify_style_update(self) -> None:
        """Forgets what the styles were."""
        super().notify_style_update()
        self._styles.clear()

    @property
    def _base(self) -> Style:
        if "" not in self._styles:
            self._styles[""] = self.rich_style
        return self._styles[""]

    def rows_changed(self) -> None:
        """Draws anew after the rows have changed; the cursor stays on a row that is there."""
        self._take_count()
        self.set_reactive(RowList.cursor, self._near(min(self.cursor, self.count() - 1), -1))
        self.refresh_changed()

    def _take_count(self) -> None:
        """Takes the number of rows; the screen is laid out anew only where the scrollbar comes or goes."""
        size, height = self._extent(), self.scrollable_content_region.height
        is_other = (size.height > height) != (self.virtual_size.height > height)
        if self._grows or not height or (is_other and self.styles.overflow_y != "scroll"):
            self.virtual_size = size
            return
        self.set_reactive(RowList.virtual_size, size)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = size.height
        if self.scroll_y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    @property
    def _grows(self) -> bool:
        """Whether the list is as high as its rows."""
        height = self.styles.height
        return height is not None and height.is_auto

    def _extent(self) -> Size:
        """The size of all rows; at least what is seen, so that a scrollbar which always stays is empty."""
        least = 0 if self._grows else self.scrollable_content_region.height
        return Size(self.content_size.width, max(self.count(), least))

    def refresh_changed(self) -> None:
        """Draws those lines anew that look different from what is on the screen."""
        if not self.is_mounted or not self._seen:
            self.refresh()
            return
        if self._is_held_back:
            self._is_behind = True
            return
        drawn = {y: self._strip(y) for y in range(self.scrollable_content_region.height)}
        for y, strip in drawn.items():
            if self._seen.get(y) != strip:
                self.refresh_lines(y + self.scroll_offset.y)
        self._drawn = drawn

    def hold_back(self, *, held: bool) -> None:
        """Says whether nothing is drawn for now: what changes meanwhile is compared once, at the end."""
        self._is_held_back = held
        if not held and self._is_behind:
            self._is_behind = False
            self.refresh_changed()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Asks to be drawn, and forgets what was drawn ahead."""
        self._drawn = {}
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def put_cursor(self, row: int) -> None:
        """Moves the cursor without telling anybody."""
        old = self.cursor
        self.set_reactive(RowList.cursor, self._near(row, 1))
        self.scroll_to_cursor()
        self.refresh_lines(old)
        self.refresh_lines(self.cursor)

    def on_resize(self) -> None:
        """The rows are as wide as the list."""
        self.virtual_size = self._extent()
        self.scroll_to_cursor()
        self.refresh()

    def scroll_to_cursor(self) -> None:
        """Brings the cursor into view."""
        height = self.scrollable_content_region.height
        if not height:
            return
        top = round(self.scroll_target_y)
        if self.cursor < top:
            # Nothing above the first selectable row can be reached otherwise.
            first = self._near(0, 1)
            self.scroll_to(y=0 if self.cursor == first else self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def render_line(self, y: int) -> Strip:
        """Draws one line of what is seen."""
        self._seen[y] = line = self._drawn.pop(y, None) or self._strip(y)
        return line

    def _strip(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self._base
        if not 0 <= row < self.count():
            return Strip.blank(width, base)
        if row == self.cursor and self.selectable(row) and self.shows_cursor:
            is_active = self.has_focus or self.held
            base += self.part("cursor" if is_active else "idle")
            # Of 16 colours, one on the cursor's own may be unreadable.
            self._is_bare = is_active and self.app.current_theme.ansi
        segments = tuple(self.segments(row, width))
        self._is_bare = False
        key = (row, width, base, segments)
        strip = self._made.get(key)
        if strip is None:
            if len(self._made) >= REMEMBERED:
                self._made.clear()
            strip = self._made[key] = _strip_of(segments, base, width).apply_style(
                Style.from_meta({"row": row})
            )
        return strip

    @property
    def held(self) -> bool:
        """Whether the cursor looks as if the list had the focus: a dialog's list does so."""
        return False

    @property
    def shows_cursor(self) -> bool:
        """Whether the row under the cursor stands out."""
        return True

    def watch_cursor(self, old: int, new: int) -> None:
        """Draws the two rows anew and tells who listens."""
        self.refresh_lines(old)
        self.refresh_lines(new)
        self.scroll_to_cursor()
        self.moved(new)

    def moved(self, row: int) -> None:
        """The cursor stands on another row: tells who listens."""
        self.post_message(self.Moved(self, row))

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different without the focus."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Puts the cursor on the row, or picks it where the cursor was already."""
        row = event.style.meta.get("row")
        if not isinstance(row, int) or not self.selectable(row):
            return
        if row == self.cursor:
            self.post_message(self.Picked(self, row))
        else:
            self.cursor = row

    def action_up(self) -> None:
        """One row up."""
        self._go(self.cursor - 1, -1)

    def action_down(self) -> None:
        """One row down."""
        self._go(self.cursor + 1, 1)

    def action_first(self) -> None:
        """To the first row."""
        self._go(0, 1)

    def action_last(self) -> None:
        """To the last row."""
        self._go(self.count() - 1, -1)

    def action_page_up(self) -> None:
        """One page up."""
        self._go(max(self.cursor - self._page(), 0), -1)

    def action_page_down(self) -> None:
        """One page down."""
        self._go(min(self.cursor + self._page(), self.count() - 1), 1)

    def _page(self) -> int:
        return max(self.scrollable_content_region.height - 1, 1)

    def _go(self, row: int, step: int) -> None:
        target = self._toward(row, step)
        if target is not None:
            self.cursor = target
        elif step < 0:
            self.scroll_to(y=0, animate=False)

    def _toward(self, row: int, step: int) -> int | None:
        while 0 <= row < self.count():
            if self.selectable(row):
                return row
            row += step
        return None

    def _near(self, row: int, step: int) -> int:
        row = max(row, 0)
        found = self._toward(row, step)
        if found is None:
            found = self._toward(row, -step)
        return found if found is not None else 0
