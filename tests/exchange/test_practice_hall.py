"""The practice exchange without a protocol: what is published, what is told, what nobody else may read."""

import stat
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from arb.clock import NS_PER_DAY, VirtualClock
from arb.errors import ConfigInvalid, LogLocked
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.desk import Placement
from arb.exchange.practice.certificates import ensure_certificates
from arb.exchange.practice.faults import Faults
from arb.exchange.practice.hall import Hall
from arb.exchange.practice.happenings import (
    BalancesHappening,
    ChangeHappening,
    Happening,
    OrderHappening,
)
from arb.exchange.practice.keys import ensure_keys
from arb.exchange.practice.tape import Delta, Tape
from arb.market.book import Book, Level
from arb.money import ONE
from tests.exchange.practising import lived, practising
from tests.exchange.scripted import BOOKS, FEES, OPENING, START_NS, ScriptedMarket, at
from tests.market.examples import book

D = Decimal
SIDE = st.dictionaries(st.integers(1, 9).map(Decimal), st.integers(1, 3).map(Decimal), max_size=5)


def hall(account: PaperAccount, clock: VirtualClock) -> Hall:
    later = at(5, book("ETH/USDT", [("1985", "1")], [("1990", "0.4")], 9))
    source = ScriptedMarket([*(at(-1, shown) for shown in BOOKS), later])
    return Hall(account, source, clock, Faults({}, 1), fees=FEES, third_share=ONE)


def limit(name: str, amount: str, price: str, time_in_force: str) -> Placement:
    return Placement(name, "ETH/USDT", "buy", "limit", time_in_force, D(amount), D(price))


@given(st.lists(st.tuples(SIDE, SIDE), max_size=8))
def test_a_tapes_changes_add_up_to_its_book_without_a_gap(
    states: list[tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]],
) -> None:
    tape = Tape("X/Y", 100)
    followed: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
    last = 100
    for number, (bids, asks) in enumerate(states):
        shown = Book("X/Y", _sorted(bids), _sorted(asks), number)
        delta = tape.turn(shown, number)
        if delta is not None:
            assert (delta.first_id, delta.last_id) == (last + 1, tape.update_id)
            last = delta.last_id
            for side, changed in zip(followed, (delta.bids, delta.asks), strict=True):
                side.update(changed)
        alive = [{p: s for p, s in side.items() if s} for side in followed]
        assert alive == [bids, asks]


def _sorted(side: dict[Decimal, Decimal]) -> tuple[Level, ...]:
    return tuple(sorted(side.items()))


def test_what_happens_is_told_in_order_and_adds_up() -> None:
    account = PaperAccount.open(None, uid="1", opening=OPENING)
    clock = VirtualClock(START_NS)
    there = hall(account, clock)
    told: list[Happening] = []
    leave = there.listen(told.append)
    there.place(limit("xioc", "0.8", "2000", "ioc"))
    there.place(limit("xgtc", "0.6", "1995", "gtc"))
    clock.advance_to(START_NS + 6 * 10**9)
    there.tick()  # 0.4 come to its price
    there.cancel("ETH/USDT", "xgtc")
    there.change("BTC", D("-0.5"))
    leave()
    there.change("BTC", D("-0.25"))
    orders = [one for one in told if isinstance(one, OrderHappening)]
    assert [(one.order.client_order_id, one.what, one.order.status) for one in orders] == [
        ("xioc", "new", "open"),
        ("xioc", "trade", "open"),
        ("xioc", "end", "expired"),
        ("xgtc", "new", "open"),
        ("xgtc", "trade", "open"),
        ("xgtc", "end", "canceled"),
    ]
    assert [(one.order.filled, one.cost) for one in orders if one.what == "end"] == [
        (D("0.5"), D(1000)),
        (D("0.4"), D(798)),
    ]
    assert [one.change.amount for one in told if isinstance(one, ChangeHappening)] == [D("-0.5")]
    last = [one for one in told if isinstance(one, BalancesHappening)][-1]
    assert last.balances["BTC"].free == D("0.5")
    account.close()


def test_a_restart_tells_the_end_of_an_order_of_before_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    clock = VirtualClock(START_NS)
    account = PaperAccount.open(path, uid="1", opening=OPENING)
    hall(account, clock).place(limit("xgtc", "0.6", "1995", "gtc"))
    account.close()
    account = PaperAccount.open(path, uid="1", opening=OPENING)
    there = hall(account, clock)
    told: list[Happening] = []
    there.listen(told.append)
    there.tick()
    assert told == []
    there.cancel("ETH/USDT", "xgtc")
    assert [one.what for one in told if isinstance(one, OrderHappening)] == ["end"]
    account.close()


def test_watchers_hear_each_update_once_and_no_more_when_they_left() -> None:
    account = PaperAccount.open(None, uid="1", opening=OPENING)
    there = hall(account, VirtualClock(START_NS))
    heard: list[Delta] = []
    leave = there.watch("ETH/USDT", heard.append)
    _, begun = there.depth("ETH/USDT")
    there.place(limit("xioc", "0.2", "2000", "ioc"))
    shown, now = there.depth("ETH/USDT")
    assert [(one.first_id, one.asks) for one in heard] == [(begun + 1, ((D(2000), D("0.3")),))]
    assert (now, shown.asks[0]) == (begun + 1, (D(2000), D("0.3")))
    leave()
    there.place(limit("xtwo", "0.2", "2000", "ioc"))
    assert len(heard) == 1
    account.close()


def test_update_ids_of_a_later_life_are_above_those_of_an_earlier_one() -> None:
    account = PaperAccount.open(None, uid="1", opening=OPENING)
    clock = VirtualClock(START_NS)
    _, first = hall(account, clock).depth("ETH/USDT")
    clock.advance_to(START_NS + 10**9)
    _, second = hall(account, clock).depth("ETH/USDT")
    assert second > first
    account.close()


def test_secrets_are_for_their_owner_and_never_print(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            keys = there.running.keys
            for name in ("keys.env", "server.key", "binance.db"):
                assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
            told = f"{keys!r} {there.running!r} {there.running.grounds!r}"
            assert keys.binance_secret not in told
            assert keys.binance_key not in told
            assert (tmp_path / "keys.env").read_text().splitlines()[0] == (
                f"ARB_BINANCE_API_KEY={keys.binance_key}"
            )

    lived(story())


def test_a_broken_file_of_keys_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    path.write_text("ARB_BINANCE_API_KEY=mine\n")
    with pytest.raises(ConfigInvalid, match="ARB_BINANCE_SECRET"):
        ensure_keys(path)
    assert path.read_text() == "ARB_BINANCE_API_KEY=mine\n"


def test_certificates_are_kept_until_they_are_about_to_end(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, START_NS)
    first = files.ca.read_bytes()
    assert ensure_certificates(tmp_path, START_NS + 1_000 * NS_PER_DAY).ca.read_bytes() == first
    ensure_certificates(tmp_path, START_NS + 3_649 * NS_PER_DAY)
    assert files.ca.read_bytes() != first
    server = x509.load_pem_x509_certificate(files.chain.read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"*.binance.com", "*.okx.com"} <= set(names.get_values_for_type(x509.DNSName))
    server.verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))


def test_two_of_them_never_share_an_account(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path):
            with pytest.raises(LogLocked):
                async with practising(tmp_path):
                    pass
        async with practising(tmp_path):
            pass

    lived(story())
