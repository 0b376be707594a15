"""Which venues are traded on, and how long each of their windows is."""

import pytest

from arb.clock import NS_PER_MS, NS_PER_S
from arb.errors import ConfigInvalid
from arb.exchange.dialects.table import DIALECTS, PRACTICE, dialect_of, for_data, why_refused
from arb.exchange.practice import windows

NINE = {"binance", "okx", "bybit", "kraken", "coinbase", "kucoin", "gate", "bitget", "mexc"}


def test_there_is_a_row_for_each_of_nine_venues() -> None:
    assert set(DIALECTS) == NINE
    assert {name for name, row in DIALECTS.items() if row.proven} == {"binance", "okx"}


@pytest.mark.parametrize("venue", sorted(NINE - {"binance", "okx", "coinbase"}))
def test_an_unproven_venue_is_traded_on_at_the_operators_word_alone(venue: str) -> None:
    with pytest.raises(ConfigInvalid, match="--unproven-venue"):
        dialect_of(venue, practice=False, unproven=False)
    assert dialect_of(venue, practice=False, unproven=True) is DIALECTS[venue]


def test_a_venue_that_cannot_prove_absence_is_never_traded_on() -> None:
    for unproven in (False, True):
        with pytest.raises(ConfigInvalid, match="looked up there by our id"):
            dialect_of("coinbase", practice=False, unproven=unproven)
    assert not DIALECTS["coinbase"].rules().absence_provable
    assert all(row.absence_provable for name, row in DIALECTS.items() if name != "coinbase")


def test_a_proven_venue_is_not_refused() -> None:
    for venue in ("binance", "okx"):
        assert why_refused(DIALECTS[venue]) == ""
        assert dialect_of(venue, practice=False, unproven=False).live


def test_an_unknown_venue_is_read_from_and_never_traded_on() -> None:
    with pytest.raises(ConfigInvalid, match="its protocol is not known; use binance"):
        dialect_of("bitstamp", practice=False, unproven=True)
    row = for_data("bitstamp")
    assert not row.absence_provable
    assert not row.proven


def test_the_practice_exchanges_windows_are_what_it_enforces() -> None:
    assert set(PRACTICE) == {"binance", "okx"}
    for row in PRACTICE.values():
        rules = row.rules()
        assert (rules.recv_window_ns, rules.backend_limit_ns, rules.visibility_ns) == (
            windows.RECV_WINDOW_NS,
            windows.BACKEND_LIMIT_NS,
            windows.VISIBILITY_NS,
        )
        assert (rules.live, row.practice) == (False, True)
    with pytest.raises(ConfigInvalid, match="speaks binance, okx, not kraken"):
        dialect_of("kraken", practice=True, unproven=True)


def test_after_t_dead_no_order_can_come_into_being() -> None:
    """The window, ten seconds in the venue's backend, and the margin."""
    assert DIALECTS["binance"].rules().dead_ns(0) == 20 * NS_PER_S
    assert DIALECTS["okx"].rules().dead_ns(0) == 45 * NS_PER_S  # its timestamps hold for 30 s
    assert PRACTICE["binance"].rules().dead_ns(0) == 3_000 * NS_PER_MS


@pytest.mark.parametrize("venue", sorted(NINE))
def test_a_venue_that_refuses_nothing_late_has_a_margin_of_a_minute(venue: str) -> None:
    row = DIALECTS[venue]
    how = row.lateness
    refuses_late = how.signed_time or how.window_param or how.header or how.param
    assert refuses_late or row.visibility_ns >= 60 * NS_PER_S


@pytest.mark.parametrize("venue", sorted(NINE))
def test_every_row_is_whole(venue: str) -> None:
    row = DIALECTS[venue]
    assert row.venue == row.name == venue
    assert row.codes.refused
    assert row.codes.order_ids
    assert {ours for _, ours in row.statuses} >= {"open", "canceled"}
    assert (row.query.by == "never") == (not row.absence_provable)
    assert row.codes.not_found or venue == "kucoin"
