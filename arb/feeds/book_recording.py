"""A recording of books, as `tools/record.py` writes it: where each row stands; the books are read when they are played."""

from array import array
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from arb.errors import FeedInvalid
from arb.feeds.blocks import Block, Damage, read_block, read_blocks
from arb.feeds.book_rows import (
    VERSIONS,
    BookRow,
    EndRow,
    Heading,
    check,
    check_rules,
    decode_book,
    decode_heading,
    decode_row,
)
from arb.feeds.rows import NOT_LISTED, RowRefused
from arb.feeds.run_rows import Aside, MarketsRow
from arb.limits import FEED_COMPLAINTS_MAX, RECORDING_BLOCKS_KEPT
from arb.market.book import Book, MarketRules

AS_RECORDED: Final = "recorded"


class BookRecording:
    """The rows that were accepted, in the file's order, as columns; their books stay in the file.

    `damage` says where the file cannot be read any further, None where it is whole. The rules are
    those in the recording, of each market as they were when its first book came, unless others were
    given.
    """

    def __init__(
        self, path: Path, rules: Mapping[str, MarketRules] | None, rules_name: str
    ) -> None:
        self.path = path
        self.rules_name = rules_name
        self.times = array("q")  # never falling
        self.numbers = array("q")  # of the rows in the file, from 1
        self.symbols: list[str] = []
        self.rows_of: dict[str, array[int]] = {}
        self.refused: dict[str, int] = {}
        self.complaints: tuple[str, ...] = ()
        self.damage: str | None = None
        self.heading: Heading | None = None
        # Of a run, each with how many rows were there then.
        self.asides: list[tuple[int, Aside]] = []
        self._given = rules
        self._rules: dict[str, MarketRules] = {}
        self._more = bytearray()
        self._blocks: list[tuple[int, int]] = []  # offset and packed size
        self._block_of = array("q")
        self._line_of = array("q")
        self._kept: OrderedDict[int, list[bytes]] = OrderedDict()
        self._last = (-1, Book("", (), (), 0))

    @property
    def rules(self) -> Mapping[str, MarketRules]:
        """The rules of the markets that have rows."""
        return MappingProxyType({market: self._rules[market] for market in self.rows_of})

    def more(self, row: int) -> bool:
        """Whether the next row was there too when this one was taken."""
        return bool(self._more[row])

    def book(self, row: int, depth: Mapping[str, Decimal]) -> Book:
        """The book of a row; the sizes are all there, so no depth is assumed.

        Raises FeedInvalid where the file is not what it was when it was opened.
        """
        del depth
        if self._last[0] == row:
            return self._last[1]
        told = decode_book(self._block(self._block_of[row])[self._line_of[row]])
        book = Book(self.symbols[row], told.bids, told.asks, told.update_id)
        self._last = (row, book)
        return book

    def _block(self, number: int) -> list[bytes]:
        lines = self._kept.get(number)
        if lines is None:
            lines = self._kept[number] = read_block(self.path, *self._blocks[number])
            if len(self._kept) > RECORDING_BLOCKS_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(number)
        return lines

    # --- reading

    def read(self) -> None:
        """Read the whole file once and check every row; raises FeedInvalid where it is no recording."""
        rows = _Rows(self)
        for found in read_blocks(self.path):
            if isinstance(found, Damage):
                rows.broken(found.offset, found.what)
                break
            if self.heading is None:
                self._begin(found.lines[0])
            self._blocks.append((found.offset, found.size))
            if not rows.take_block(found):
                break
        if self.heading is None:
            why = self.damage or f"{self.path}: the file is empty"
            raise FeedInvalid(why)
        if self.damage is None and not rows.ended:
            self.damage = f"{self.path}: it was not closed; read up to row {rows.number}"
        if not self.times:
            what = self.damage or (self.complaints or (f"{self.path}: it has no rows",))[0]
            raise FeedInvalid(f"{self.path}: none of its {rows.number} rows is good; {what}")

    def _begin(self, line: bytes) -> None:
        try:
            heading = decode_heading(line)
            for rules in heading.markets:
                check_rules(rules)
        except (msgspec.MsgspecError, RowRefused) as error:
            raise FeedInvalid(f"{self.path}:1: not the heading of a recording: {error}") from None
        if heading.arb_recording not in VERSIONS:
            raise FeedInvalid(
                f"{self.path}:1: a recording of version {heading.arb_recording}; this program reads "
                f"versions {VERSIONS[0]} to {VERSIONS[-1]}"
            )
        self.heading = heading
        self._rules = dict(self._given or {rules.market: rules for rules in heading.markets})

    def note(self, aside: Aside) -> None:
        """Keep what a run wrote beside its books; raises RowRefused where it cannot be."""
        if isinstance(aside, MarketsRow):
            for rules in aside.markets:
                check_rules(rules)
                if not self._given and rules.market not in self.rows_of:
                    self._rules[rules.market] = rules  # listed since, or open since
        self.asides.append((len(self.times), aside))

    def accept(self, row: BookRow, newest_ns: int, line: int) -> None:
        """Take a row that was read; raises RowRefused."""
        check(row, newest_ns)
        symbols = self.rows_of.get(row.market)
        if symbols is None:
            if row.market not in self._rules:
                raise RowRefused(NOT_LISTED, f"{row.market} is not listed among the markets")
            symbols = self.rows_of[row.market] = array("q")
        symbols.append(len(self.times))
        self.times.append(row.at_ns)
        self.numbers.append(row.number)
        self.symbols.append(self._rules[row.market].market)  # one text a market, not one a row
        self._more.append(row.more)
        self._block_of.append(len(self._blocks) - 1)
        self._line_of.append(line)

    def refuse(self, number: int, error: RowRefused) -> None:
        """Count a row that is left out."""
        self.refused[error.reason] = self.refused.get(error.reason, 0) + 1
        if len(self.complaints) < FEED_COMPLAINTS_MAX:
            self.complaints += (f"{self.path}:{number + 1}: {error}",)


class _Rows:
    """Follows the rows through the blocks: their numbers leave no gap, and nothing follows the end."""

    def __init__(self, recording: BookRecording) -> None:
        self._recording = recording
        self.number = 0
        self.ended = False
        self._newest_ns = 0

    def take_block(self, block: Block) -> bool:
        """Take the rows of a block; False where something in it cannot be believed."""
        first = 1 if block.offset == 0 else 0
        for at in range(first, len(block.lines)):
            try:
                row = decode_row(block.lines[at])
            except msgspec.MsgspecError as error:
                self.broken(block.offset, f"not a row: {error}")
                return False
            if self.ended:
                self.broken(block.offset, "rows after the end")
                return False
            if isinstance(row, EndRow):
                self.ended = True
                if row.rows != self.number:
                    self.broken(block.offset, f"the end tells of {row.rows} rows")
                    return False
                continue
            if not isinstance(row, BookRow):
                try:
                    self._recording.note(row)
                except RowRefused as error:
                    self.broken(block.offset, f"not the markets of a venue: {error}")
                    return False
                continue
            if row.number != self.number + 1:
                self.broken(block.offset, f"row {row.number} follows row {self.number}")
                return False
            self.number += 1
            try:
                self._recording.accept(row, self._newest_ns, at)
            except RowRefused as error:
                self._recording.refuse(row.number, error)
            else:
                self._newest_ns = row.at_ns
        return True

    def broken(self, offset: int, what: str) -> None:
        """Note where the file cannot be read any further."""
        self._recording.damage = f"{self._recording.path}: damaged at byte {offset}: {what}; read up to row {self.number}"
