"""What an account is, may and pays, and what came and went."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.exchange.client.account_reads import WITHDRAWAL_READS_MAX
from arb.exchange.port import Balance, BalanceChange, Unreachable
from arb.market.book import FeeRates
from tests.exchange.captured import Asked, Wire, heard, listed
from tests.exchange.loopback import ACCOUNT, KEY, NOW_MS
from tests.exchange.told import okx

MS_NS = NOW_MS * 10**6
COMMISSION: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "standardCommission": {
        "maker": "0.00080000",
        "taker": "0.00100000",
        "buyer": "0.00000000",
        "seller": "0.00020000",
    },
    "taxCommission": {
        "maker": "0.00000112",
        "taker": "0.00000114",
        "buyer": "0.00000118",
        "seller": "0.00000116",
    },
    "discount": {
        "enabledForAccount": True,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": "0.75000000",
    },
}
DEPOSIT: dict[str, Any] = {
    "id": "769800519366885376",
    "amount": "0.001",
    "coin": "BTC",
    "status": 1,
    "insertTime": NOW_MS,
}
WITHDRAWAL: dict[str, Any] = {
    "id": "b6ae22b3aa844210a7041aee7589627c",
    "amount": "8.91000000",
    "transactionFee": "0.004",
    "coin": "USDT",
    "status": 6,
    "applyTime": "2023-11-14 22:13:20",
}
BILL: dict[str, Any] = {
    "billId": "623950854533513219",
    "type": "1",
    "subType": "12",
    "ccy": "USDT",
    "balChg": "-25.5",
    "ts": str(NOW_MS),
}


@pytest.fixture
def binance() -> Iterator[Wire]:
    made = Wire("binance")
    yield made
    made.close()


def by_place(answers: Mapping[str, object]) -> Any:
    return lambda asked: answers[asked.place.rsplit("/", 1)[1]]


def test_balances_are_every_asset_and_their_locks(binance: Wire) -> None:
    assert heard(binance, binance.gateway.balances(), ACCOUNT) == {
        "USDT": Balance(Decimal(1000), Decimal("12.5")),
        "ETH": Balance(Decimal("0.12345678"), Decimal(0)),
    }


def test_okx_tells_what_is_free_and_what_is_frozen(wires: Mapping[str, Wire]) -> None:
    wire = wires["okx"]
    row = {"ccy": "BTC", "cashBal": "1.75", "availBal": "1.5", "frozenBal": "0.25", "eq": "1.75"}
    told = heard(wire, wire.gateway.balances(), okx({"details": [row], "totalEq": "1"}))
    assert told == {"BTC": Balance(Decimal("1.5"), Decimal("0.25"))}


def test_fees_are_the_highest_that_are_charged_and_no_discount_is_counted_on(binance: Wire) -> None:
    binance.session.answer = by_place({"account": ACCOUNT, "commission": COMMISSION})
    assert binance.run(binance.gateway.fees()) == FeeRates(
        taker=Decimal("0.00120232"), maker=Decimal("0.00100230"), fee_asset="BNB"
    )


@pytest.mark.parametrize(
    "discount",
    [{"enabledForAccount": False}, {"enabledForSymbol": False}, {"enabledForAccount": "true"}],
)
def test_without_a_discount_fees_are_of_the_received_asset(
    binance: Wire, discount: dict[str, object]
) -> None:
    told = {**COMMISSION, "discount": {**COMMISSION["discount"], **discount}}
    binance.session.answer = by_place({"account": ACCOUNT, "commission": told})
    assert binance.run(binance.gateway.fees()).fee_asset is None


@pytest.mark.parametrize(
    "wrong", [{}, {"standardCommission": None}, {"taxCommission": {"taker": "9"}}]
)
def test_a_fee_that_cannot_be_read_is_no_answer(binance: Wire, wrong: dict[str, object]) -> None:
    told = {} if not wrong else {**COMMISSION, **wrong}
    binance.session.answer = by_place({"account": ACCOUNT, "commission": told})
    with pytest.raises(Unreachable):
        binance.run(binance.gateway.fees())


def test_what_okx_charges_is_told_below_zero(wires: Mapping[str, Wire]) -> None:
    wire = wires["okx"]
    told = heard(wire, wire.gateway.fees(), okx({"taker": "-0.001", "maker": "0.0002"}))
    assert told == FeeRates(taker=Decimal("0.001"), maker=Decimal(0))


def group(name: str, taker: object, maker: object = "-0.0008") -> dict[str, object]:
    return {"groupId": name, "taker": taker, "maker": maker}


@pytest.mark.parametrize(
    ("row", "taker"),
    [
        # Rates stand by groups of markets, and those beside them are deprecated: they may go.
        ({"feeGroup": [group("1", "-0.001")]}, "0.001"),
        ({"taker": "", "maker": "", "feeGroup": [group("1", "-0.001")]}, "0.001"),
        ({"taker": "-0.0001", "maker": "0", "feeGroup": [group("1", "-0.0023")]}, "0.0023"),
        ({"taker": "-0.001", "maker": "0", "feeGroup": [group("1", "0", "0")]}, "0.001"),
        # Where all are told that of the market counts, and of one that is not among them the highest.
        ({"feeGroup": [group("2", "-0.0035"), group("1", "-0.0023")]}, "0.0023"),
        ({"feeGroup": [group("2", "-0.0035"), group("4", "-0.0023")]}, "0.0035"),
        ({"taker": "-0.001", "maker": "-0.0008", "feeGroup": []}, "0.001"),
        ({"feeGroup": [group("1", "")]}, None),
        ({"feeGroup": [group("1", "soon")], "taker": "-0.001", "maker": "0"}, None),
        ({"feeGroup": [group("1", "-0.5")]}, None),
        ({"feeGroup": "1"}, None),
        ({"feeGroup": [None]}, None),
        ({}, None),
    ],
)
def test_okx_tells_fees_by_groups_of_markets(
    wires: Mapping[str, Wire], row: dict[str, object], taker: str | None
) -> None:
    wire = wires["okx"]
    wire.gateway.ccxt.markets["BTC/USDT"]["info"]["groupId"] = "1"
    told = heard(wire, wire.gateway.fees(), okx(row))
    if taker is None:
        assert isinstance(told, Unreachable), told
    else:
        assert told.taker == Decimal(taker)


def test_fees_are_asked_for_of_a_market_as_most_are() -> None:
    """The first by name may be of another group, which pays more, or nothing."""
    wire = Wire("okx")
    rows = []
    for base, group_id in (("AAVE", "4"), ("BTC", "1"), ("ETH", "1")):
        row = {**listed("okx"), "id": f"{base}-USDT", "symbol": f"{base}/USDT", "base": base}
        rows.append({**row, "baseId": base, "info": {"groupId": group_id}})
    wire.gateway.ccxt.set_markets(rows)
    wire.gateway._take_markets()
    heard(wire, wire.gateway.fees(), okx({"feeGroup": [group("1", "-0.001")]}))
    wire.close()
    (asked,) = wire.session.asked
    assert asked.params["instId"] == "BTC-USDT"


def test_whether_a_key_may_withdraw_is_the_venues_word(wires: Mapping[str, Wire]) -> None:
    binance, by_perm = wires["binance"], wires["okx"]
    for told, answer in ((True, True), (False, False), ("false", None), (None, None)):
        body = {"ipRestrict": False, "enableWithdrawals": told}
        assert heard(binance, binance.gateway.may_withdraw(), body) is answer
    assert heard(by_perm, by_perm.gateway.may_withdraw(), okx({"perm": "read_only,trade"})) is False
    assert (
        heard(by_perm, by_perm.gateway.may_withdraw(), okx({"perm": "read_only,withdraw"})) is True
    )
    assert heard(by_perm, by_perm.gateway.may_withdraw(), okx({})) is None
    assert heard(wires["kraken"], wires["kraken"].gateway.may_withdraw()) is None


@pytest.mark.parametrize(
    ("venue", "body", "name"),
    [
        ("binance", ACCOUNT, "354937868"),
        ("okx", okx({"uid": "44705892343619584"}), "44705892343619584"),
        ("bybit", {}, None),
    ],
)
def test_an_account_is_named_by_its_uid_or_by_what_its_key_cannot_be_read_from(
    venue: str, body: object, name: str | None
) -> None:
    wire = Wire(venue)
    wire.gateway._fingerprint = None
    wire.session.answer = lambda _: body
    wire.run(wire.gateway.start())
    found = wire.gateway.fingerprint
    wire.close()
    assert found == name or (name is None and len(found) == 16 and KEY not in found)


def test_deposits_and_withdrawals_are_signed_and_with_what_they_cost(binance: Wire) -> None:
    binance.session.answer = by_place({"hisrec": [DEPOSIT], "history": [WITHDRAWAL]})
    assert binance.run(binance.gateway.balance_changes(MS_NS - 10**9)) == [
        BalanceChange("deposit-769800519366885376", "BTC", Decimal("0.001"), MS_NS),
        # Told to the second: by its end it had happened.
        BalanceChange(
            f"withdrawal-{WITHDRAWAL['id']}", "USDT", Decimal("-8.914"), 1_700_000_000_999_000_000
        ),
    ]


def test_a_withdrawal_that_came_to_nothing_comes_back(binance: Wire) -> None:
    for status, total in (
        (4, Decimal("-8.914")),
        (1, Decimal(0)),
        (3, Decimal(0)),
        (5, Decimal(0)),
    ):
        told = {**WITHDRAWAL, "status": status}
        binance.session.answer = by_place({"hisrec": [], "history": [told]})
        changes = binance.run(binance.gateway.balance_changes(MS_NS - 10**9))
        assert sum(one.amount for one in changes) == total
        assert len({one.change_id for one in changes}) == len(changes)


def test_a_deposit_on_its_way_is_none_yet(binance: Wire) -> None:
    binance.session.answer = by_place({"hisrec": [{**DEPOSIT, "status": 0}], "history": []})
    assert binance.run(binance.gateway.balance_changes(MS_NS - 10**9)) == []


def test_withdrawals_are_read_no_more_often_than_the_venue_takes_it() -> None:
    """Ten times a minute an account, and then a ban of the whole venue: orders wait with it."""
    wire = Wire("binance")
    wire.session.answer = by_place({"hisrec": [], "history": []})
    began_ns = wire.clock.monotonic_ns()
    for _ in range(WITHDRAWAL_READS_MAX):
        wire.run(wire.gateway.balance_changes(MS_NS - 10**9))
    at_once_ns = wire.clock.monotonic_ns() - began_ns
    assert at_once_ns < 10 * NS_PER_S
    wire.run(wire.gateway.balance_changes(MS_NS - 10**9))
    wire.close()
    assert wire.clock.monotonic_ns() - began_ns >= 60 * NS_PER_S


def test_what_long_ago_came_and_went_is_read_once() -> None:
    """A log of years has many spans of 89 days, and each is a tenth of what the venue takes in a minute."""
    wire = Wire("binance")
    wire.session.answer = by_place({"hisrec": [], "history": [WITHDRAWAL]})
    since_ns = NOW_MS * 10**6 - 400 * NS_PER_DAY
    first = wire.run(wire.gateway.balance_changes(since_ns))
    assert len([one for one in wire.session.asked if "withdraw" in one.place]) == 5
    assert wire.run(wire.gateway.balance_changes(since_ns)) == first
    asked = [one for one in wire.session.asked if "withdraw" in one.place]
    wire.close()
    now_ms = wire.clock.now_ns() // 10**6
    assert len(asked) == 1
    assert now_ms - int(asked[0].params["endTime"]) < 60_000


def test_what_moved_the_funding_wallet_is_none_of_ours(binance: Wire) -> None:
    for wallet, count in ((None, 2), (0, 2), ("0", 2), (1, 0), ("1", 0)):
        answers = {
            "hisrec": [{**DEPOSIT, "walletType": wallet}],
            "history": [{**WITHDRAWAL, "walletType": wallet}],
        }
        binance.session.answer = by_place(answers)
        assert len(binance.run(binance.gateway.balance_changes(MS_NS - 10**9))) == count
    for unknown in (2, "", "spot", {}):
        told = [{**DEPOSIT, "walletType": unknown}]
        binance.session.answer = by_place({"hisrec": told, "history": []})
        with pytest.raises(Unreachable, match="unknown wallet"):
            binance.run(binance.gateway.balance_changes(MS_NS - 10**9))


def test_a_deposit_counts_from_when_it_was_credited(binance: Wire) -> None:
    """Seen before the account was opened here, and credited after it: it was not in the opening."""
    credited_ms = NOW_MS + 60_000
    told = {**DEPOSIT, "insertTime": NOW_MS - 5 * 3_600_000, "completeTime": credited_ms}

    def answer(asked: Asked) -> object:
        start, end = int(asked.params["startTime"]), int(asked.params["endTime"])
        seen = start <= told["insertTime"] <= end  # by which the venue lists
        return [told] if seen and "deposit" in asked.place else []

    binance.session.answer = answer
    binance.clock.advance_to((credited_ms + 10_000) * 10**6)
    (change,) = binance.run(binance.gateway.balance_changes(MS_NS))
    assert change.venue_ns == credited_ms * 10**6
    assert binance.run(binance.gateway.balance_changes((credited_ms + 1) * 10**6)) == []
    for untold in (None, 0, ""):
        told["completeTime"] = untold
        assert binance.run(binance.gateway.balance_changes(MS_NS)) == []
    told["completeTime"] = "soon"
    with pytest.raises(Unreachable, match="unreadable deposit"):
        binance.run(binance.gateway.balance_changes(MS_NS))


@pytest.mark.parametrize("field", ["id", "amount", "coin", "status", "insertTime"])
def test_a_deposit_that_cannot_be_read_spoils_the_reading(binance: Wire, field: str) -> None:
    binance.session.answer = by_place({"hisrec": [{**DEPOSIT, field: None}], "history": []})
    with pytest.raises(Unreachable):
        binance.run(binance.gateway.balance_changes(MS_NS - 10**9))


def test_okx_tells_transfers_in_pages(wires: Mapping[str, Wire]) -> None:
    """What arrives from outside arrives in another account; only a transfer changes this one."""
    wire = wires["okx"]

    def answer(asked: Asked) -> object:
        assert asked.params["type"] == "1"
        first = "after" not in asked.params
        return okx(*({**BILL, "billId": str(1_000 + n)} for n in range(100 if first else 1)))

    wire.session.answer = answer
    found = wire.run(wire.gateway.balance_changes(MS_NS - 10**9))
    assert len(found) == 100  # the one of the second page was on the first as well
    assert found[0] == BalanceChange("bill-1000", "USDT", Decimal("-25.5"), MS_NS)
    assert [asked.params.get("after") for asked in wire.session.asked] == [None, "1099"]


def test_a_test_network_has_no_way_in_or_out(binance: Wire) -> None:
    binance.gateway.ccxt.set_sandbox_mode(True)
    assert binance.run(binance.gateway.balance_changes(MS_NS)) == []
    assert binance.run(binance.gateway.may_withdraw()) is None
    assert binance.session.asked == []


def test_what_the_account_holds_is_read_before_what_merely_watches_the_market() -> None:
    """Cycles that have to sell wait for their balances; polls leave them room for that."""
    wire = Wire("binance")
    pacing = wire.gateway._line._pacing
    began_ns = wire.clock.now_ns()
    pacing.correct(4_300)  # of 6,000: what the read lane leaves to the others is all there is
    told = heard(wire, wire.gateway.balances(), {"balances": [], "uid": 1})
    assert told == {}
    assert wire.clock.now_ns() == began_ns
    heard(wire, wire.gateway.best_prices(), [])
    assert wire.clock.now_ns() - began_ns >= 60 * NS_PER_S
    wire.close()


@pytest.mark.parametrize("told", [None, 0, -1, "", "a b", [], {"uid": 1}])
@pytest.mark.parametrize(("venue", "answer"), [("binance", "uid"), ("okx", "config")])
def test_a_reply_without_the_accounts_id_gives_it_no_other_name(
    venue: str, answer: str, told: object
) -> None:
    """A name of our own for it would be another account's: the log of the first would be refused for good."""
    wire = Wire(venue)
    wire.gateway._fingerprint = None
    spoilt = {"uid": told} if answer == "uid" else okx({"uid": told})
    wire.session.answer = lambda _: spoilt
    with pytest.raises(Unreachable, match="no id of the account"):
        wire.run(wire.gateway.start())
    wire.session.answer = lambda _: {"uid": 7} if answer == "uid" else okx({"uid": "7"})
    wire.run(wire.gateway.start())
    assert wire.gateway.fingerprint == "7"
    wire.close()
