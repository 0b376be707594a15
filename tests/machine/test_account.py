"""What the engine's book of an account says after each fact."""

from __future__ import annotations

import pytest

from arb.events import facts as f
from arb.machine.account import FOREIGN_KEPT, Account, book_fill, evolve_account, shift_owned
from tests.spec.given import D, filled, loop_closed, opened


def account_after(*facts: f.Fact) -> Account:
    account = Account()
    for fact in facts:
        evolve_account(account, fact)
    return account


def opening(**amounts: str) -> f.AccountOpened:
    return f.AccountOpened(opening={asset: D(text) for asset, text in amounts.items()}, venue_ns=7)


def external(asset: str, amount: str) -> f.ExternalChangeFound:
    return f.ExternalChangeFound(
        asset=asset, amount=D(amount), explained=True, source="deposit", detail=""
    )


def test_an_account_that_was_not_read_yet_has_no_opening() -> None:
    assert Account().opening is None
    assert Account().expected("USDT") == 0


def test_the_venue_should_hold_opening_and_fills_and_external_changes() -> None:
    account = account_after(
        opening(USDT="5000", BNB="1"),
        filled(1, "t1", "0.02", "1000", fee="0.001", fee_asset="BNB"),
        external("USDT", "-300"),
        external("ADA", "7"),
    )
    assert account.expected("USDT") == D(3700)
    assert account.expected("BTC") == D("0.02")
    assert account.expected("BNB") == D("0.999")
    assert account.expected("ADA") == D(7)
    assert account.assets() == {"USDT", "BNB", "BTC", "ADA"}


def test_a_closed_loop_changes_the_ledger_by_its_profit() -> None:
    account = Account()
    for fact in loop_closed():
        if isinstance(fact, f.OrderFilled):
            book_fill(account, fact)
    assert {asset: amount for asset, amount in account.ledger.items() if amount} == {"USDT": D(4)}


def test_the_next_cycle_number_is_above_every_opened_one() -> None:
    assert account_after(opened()).next_number == 2
    assert account_after().next_number == 1


def test_assets_found_later_begin_at_zero_and_keep_what_is_known() -> None:
    account = account_after(opening(USDT="5"), f.AssetsFound(assets=("USDT", "ADA")))
    assert account.opening == {"USDT": D(5), "ADA": D(0)}


def test_what_closed_cycles_keep_follows_them() -> None:
    account = Account()
    shift_owned(account, {}, {"ETH": D("0.2"), "BTC": D("0.1")})
    shift_owned(account, {}, {"ETH": D("0.3")})
    shift_owned(account, {"ETH": D("0.2"), "BTC": D("0.1")}, {})
    assert account.owned_closed == {"ETH": D("0.3")}


def halt(scope: str) -> f.EngineHalted:
    fields = {"scope": scope, "reason": "unexplained"}
    return f.EngineHalted(**fields)


def test_a_halt_of_an_asset_halts_cycles_over_it_only() -> None:
    account = account_after(halt("BTC"))
    assert account.halted({"USDT", "BTC"}) == "BTC: unexplained"
    assert account.halted({"USDT", "ETH"}) is None


def test_a_halt_of_all_halts_all() -> None:
    assert account_after(halt("all")).halted(set()) == "unexplained"


def test_a_pause_stops_new_cycles_until_it_is_lifted() -> None:
    paused = f.NewCyclesPaused(reason="lunch")
    assert account_after(paused).halted(set()) == "paused by an operator: lunch"
    lifted = account_after(halt("BTC"), paused, f.EngineUnpaused(reason="back"))
    assert lifted.halted({"BTC"}) is None


def test_trades_of_others_are_remembered_in_bounds() -> None:
    seen = [
        f.ForeignTradeSeen(
            market="BTC/USDT", trade_id=str(number), exchange_order_id="9", client_order_id=None
        )
        for number in range(FOREIGN_KEPT + 5)
    ]
    account = account_after(*seen)
    assert len(account.foreign) == FOREIGN_KEPT
    assert account.foreign[-1] == f"BTC/USDT:{FOREIGN_KEPT + 4}"


@pytest.mark.parametrize("fact", [opened(), f.CycleMissed(reason="x")])
def test_facts_that_say_nothing_about_money_change_no_amount(fact: f.Fact) -> None:
    account = account_after(opening(USDT="5"), fact)
    assert (account.ledger, account.external, account.owned_closed) == ({}, {}, {})
