"""What every book must be, wherever it comes from."""

from decimal import Decimal

from arb.market.book import Book


def check_book(book: Book) -> None:
    """Prices and sizes are finite and not below zero, best first, and the sides do not cross."""
    for levels, sign in ((book.bids, -1), (book.asks, 1)):
        prices = [price * sign for price, _ in levels]
        assert prices == sorted(set(prices))
        for number in (number for level in levels for number in level):
            assert isinstance(number, Decimal)
            assert number.is_finite()
            assert number >= 0
            assert abs(number.adjusted()) <= 24
    if book.bids and book.asks:
        assert book.bids[0][0] <= book.asks[0][0]
