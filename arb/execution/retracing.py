"""Make the decisions of a log again, from what it says of them and from the recording of the books."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from msgspec import Struct, structs

from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.execution.capital import offered
from arb.execution.claims import less
from arb.execution.declined import Refusal
from arb.feeds.recorded import AnyRecording
from arb.market.book import Book, FeeRates, MarketRules
from arb.market.chain import Quote
from arb.market.depth import Shortfall
from arb.market.liquidation import value
from arb.market.size import best_size
from arb.money import BPS, ONE
from arb.strategy.canonical import from_canonical
from arb.strategy.schema import Strategy

NOTHING_ASSUMED: Mapping[str, Decimal] = {}


class Decision(Struct, frozen=True):
    """A cycle as it was decided: its opening, its validation and its first order."""

    opened: f.CycleOpened
    validated: f.CycleValidated
    intended: f.OrderIntended


class Retraced(Struct, frozen=True):
    """How many decisions were made again, and what came out otherwise."""

    decisions: int
    differences: tuple[str, ...]


def retrace(records: Iterable[Recorded], recording: AnyRecording, fees: FeeRates) -> Retraced:
    """Decide again, for every cycle of a log, on the books that it names.

    The books are found by their numbers and have to have stood at that moment. What was available,
    and what others had claimed of the books, is in the event; all else follows.
    """
    told = list(records)
    strategies = {
        fact.config: from_canonical(fact.text)
        for fact in (one.fact for one in told)
        if isinstance(fact, f.StrategyLoaded)
    }
    decisions = list(_decisions(told))
    rows = _Rows(recording)
    differences: list[str] = []
    for one in decisions:
        found = _again(one, strategies[one.opened.config], rows, fees)
        differences += [f"{one.opened.cycle_id}: {text}" for text in found]
    return Retraced(len(decisions), tuple(differences))


def _decisions(records: Iterable[Recorded]) -> Iterator[Decision]:
    opened: dict[str, f.CycleOpened] = {}
    validated: dict[str, f.CycleValidated] = {}
    for one in records:
        match one.fact:
            case f.CycleOpened():
                opened[one.stream] = one.fact
            case f.CycleValidated():
                validated[one.stream] = one.fact
            case f.OrderIntended() if one.stream in validated:
                yield Decision(opened[one.stream], validated.pop(one.stream), one.fact)


class _Rows:
    """The books of a recording, by market and number, and when each stood."""

    def __init__(self, recording: AnyRecording) -> None:
        self.rules: Mapping[str, MarketRules] = recording.rules
        self._recording = recording
        self._stood: dict[tuple[str, int], tuple[int, int, int | None]] = {}
        last: dict[str, tuple[int, int]] = {}
        for row, market in enumerate(recording.symbols):
            at_ns = recording.times[row]
            number = recording.book(row, NOTHING_ASSUMED).sequence
            if market in last:
                before, since_ns = last[market]
                if before == number:  # it was told once more
                    continue
                row_before = self._stood[market, before][0]
                self._stood[market, before] = (row_before, since_ns, at_ns)
            last[market] = (number, at_ns)
            self._stood[market, number] = (row, at_ns, None)

    def book(self, market: str, number: int, at_ns: int | None) -> Book | str:
        """The book of a number; a text where it is not there, or did not stand at that moment."""
        found = self._stood.get((market, number))
        if found is None:
            return f"book {number} of {market} is not in the recording"
        row, since_ns, until_ns = found
        if at_ns is None or at_ns < since_ns or (until_ns is not None and at_ns >= until_ns):
            return f"book {number} of {market} stood from {since_ns} to {until_ns}, not at {at_ns}"
        return self._recording.book(row, NOTHING_ASSUMED)


class _Then:
    """What things were worth at the books of a moment."""

    def __init__(self, books: Mapping[str, Book], rules: Mapping[str, MarketRules]) -> None:
        self._books, self._rules = books, rules

    def value(self, asset: str, amount: Decimal, in_asset: str) -> Decimal | None:
        return value(asset, amount, in_asset, self._books.get, self._rules)


def _again(one: Decision, strategy: Strategy, rows: _Rows, fees: FeeRates) -> list[str]:
    """Say what is different when a decision is made again."""
    opened = one.opened
    books: dict[str, Book] = {}
    wrong: list[str] = []
    for leg in opened.legs:
        book = rows.book(leg.market, opened.books[leg.market], opened.seen_ns)
        if isinstance(book, str):
            wrong.append(book)
            continue
        books[leg.market] = _offered(book, leg.side, opened.claimed.get(leg.market, Decimal(0)))
    if wrong:
        return wrong
    if opened.available is None:
        return ["what was available is unknown: it was opened by an older version"]
    cap = offered(_Then(books, rows.rules), opened.available, strategy, opened.start_asset)
    if isinstance(cap, Refusal):
        return [f"nothing is offered now: {cap.detail}"]
    bar = _bar(one)
    quote = best_size(
        opened.legs,
        cap,
        books.get,
        rows.rules,
        fees,
        strategy.max_slippage_bps,
        min_profit_bps=bar,
        at_bound=strategy.order.type == "market",
        depth_share=strategy.capital_allocation.max_depth_share,
    )
    if isinstance(quote, Shortfall):
        return [f"it cannot be sized now: {quote.market}: {quote.detail}"]
    if quote.edge_bps <= bar:
        return [f"it would not be taken now: {quote.edge_bps} bps"]
    return list(_compared(one, quote))


def _bar(one: Decision) -> Decimal:
    """The threshold, of the strategy or of its row: the cycle's floor tells it."""
    kept = one.validated.floor / one.opened.start_amount - ONE
    return kept * BPS + one.validated.max_slippage_bps


def _offered(book: Book, side: str, claimed: Decimal) -> Book:
    if side == "buy":
        return structs.replace(book, asks=less(book.asks, claimed))
    return structs.replace(book, bids=less(book.bids, claimed))


def _compared(one: Decision, quote: Quote) -> Iterator[str]:
    opened, order, first = one.opened, one.intended, quote.walks[0]
    prices = {walk.market: walk.best for walk in quote.walks}
    for what, was, now in (
        ("start amount", opened.start_amount, quote.amount),
        ("edge", opened.edge_bps, quote.edge_bps),
        ("prices", opened.prices, prices),
        ("expected", one.validated.expected, quote.output),
        ("first order", (order.market, order.side), (first.market, first.side)),
        ("first amount", order.amount, first.amount),
        ("first limit", order.limit, first.limit),
    ):
        if was != now:
            yield f"{what} was {was}, now it is {now}"
