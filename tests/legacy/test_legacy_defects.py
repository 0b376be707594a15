"""What the legacy engine got wrong with money, one test a defect: here in a backtest on written books.

Rows are those of the table of known defects; `test_legacy_crashes.py` has the ones that need a kill.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arb.feeds.generated import GeneratedMarket
from arb.machine.risk import identity_of
from arb.market.cycles import count_cycles, directed_cycles
from tests.spec.command_line import Said, total
from tests.spec.processes import rows
from tests.spec.scripted_feed import (
    BTC,
    ETH,
    FALLEN_ETH,
    SIZE,
    backtest,
    chance,
    end,
    of,
    quiet,
    strategy,
)


@pytest.fixture
def calm(folder: Path) -> Said:
    """A cycle without trouble: 1000 USDT at 50000, 0.05 and 2510, 10 bps a leg."""
    return backtest(folder, [*quiet(), *chance(2), *end()])


@pytest.fixture
def fallen(folder: Path) -> Said:
    """The price of the last leg falls while the first order is on its way."""
    return backtest(folder, [*quiet(), (2, ETH, SIZE), (2.03, FALLEN_ETH, SIZE), *end()])


def number(value: object) -> Decimal:
    assert isinstance(value, str), value
    return Decimal(value)


def ending(said: Said) -> dict[str, Any]:
    """The one cycle's last fact."""
    kinds = {"CycleCompleted", "CycleLiquidated", "CycleParked"}
    (found,) = [event for event in said.events if event["type"] in kinds]
    return {"type": found["type"], **found["data"]}


def test_row_03_what_is_to_be_spent_is_never_sent_as_an_amount_to_buy(calm: Said) -> None:
    """1000 USDT to spend became an order for 1000 BTC. Here an order's base amount is planned from price."""
    first, second, third = of(calm, "OrderIntended")
    assert (first["market"], first["side"], number(first["amount"])) == (
        "BTC/USDT",
        "buy",
        Decimal("0.02"),
    )
    assert (second["market"], second["side"], number(second["amount"])) == (
        "ETH/BTC",
        "buy",
        Decimal("0.3996"),  # what 0.02 BTC less its fee buys
    )
    assert (third["market"], third["side"], number(third["amount"])) == (
        "ETH/USDT",
        "sell",
        Decimal("0.3992"),
    )


def test_row_07_a_stop_on_price_sells_what_is_held(fallen: Said) -> None:
    """A slippage stop paired the new amount with the old currency. Here holdings are folded from fills."""
    assert [order["purpose"] for order in of(fallen, "OrderIntended")] == ["leg", "unwind"]
    (held,) = of(fallen, "OrderFilled")[:1]
    sold = of(fallen, "OrderIntended")[1]
    assert (sold["market"], sold["side"]) == ("BTC/USDT", "sell")
    assert number(sold["amount"]) <= number(held["amount"]) - number(held["fee"])
    assert ending(fallen)["type"] == "CycleLiquidated"
    assert Decimal(900) < number(ending(fallen)["returned"]["USDT"]) < Decimal(1000)


def test_row_09_a_partial_fill_is_carried_or_sold_to_the_last_unit(folder: Path) -> None:
    """The filled part of an order was forgotten. Here the cycle goes on with exactly what was filled."""
    less = (2.01, BTC, "0.00800")
    said = backtest(folder, [*quiet(), (2, ETH, SIZE), less, *end()])
    first = of(said, "OrderFilled")[0]
    assert number(first["amount"]) == Decimal("0.008")
    spent = Decimal(400)
    assert number(of(said, "LegSettled")[0]["spent"]) == spent
    last = ending(said)
    assert last["type"] == "CycleCompleted"
    assert number(last["returned"]) - (1000 - spent) > Decimal(400)
    assert ledger(folder) == {
        "USDT": number(last["pnl"]),
        **{asset: number(amount) for asset, amount in last["dust"].items()},
    }


def test_row_09_a_partial_fill_in_mid_path_leaves_nothing_behind(folder: Path) -> None:
    """The same in the second leg: the rest is traded or sold, and the ledger holds nothing but dust."""
    dry = (2.06, ("ETH/BTC", "0.049990", "0.050000"), "0.10000")
    said = backtest(folder, [*quiet(), (2, ETH, SIZE), dry, *end()])
    last = ending(said)
    kept = {asset: number(amount) for asset, amount in last["dust"].items()}
    assert ledger(folder) == {"USDT": number(last["pnl"]), **kept}
    assert all(amount < Decimal("0.0001") for amount in kept.values())
    assert said.summary["parked"] == {}


def ledger(folder: Path) -> dict[str, Decimal]:
    """What the log's ledger adds up to, by asset."""
    sums: dict[str, Decimal] = {}
    for asset, amount in rows(folder / "log.db", "SELECT asset, amount FROM ledger"):
        sums[asset] = sums.get(asset, Decimal(0)) + Decimal(amount)
    return {asset: amount for asset, amount in sums.items() if amount}


def test_row_11_liquidations_end_and_make_room_for_new_cycles(folder: Path) -> None:
    """After three panic sells no cycle could open: they stayed open for ever. Here they end, each with its P/L."""
    moments = quiet()
    for at_s in (2, 12, 22):
        moments += [(at_s, ETH, SIZE), (at_s + 0.03, FALLEN_ETH, SIZE)]
    said = backtest(folder, [*moments, *chance(40), *end()], cycles=4)
    assert said.summary["outcomes"] == {"liquidated": 3, "completed": 1}
    assert said.summary["unresolved"] == 0
    assert all(number(one["pnl"]) < 0 for one in of(said, "CycleLiquidated"))


def test_row_12_profit_is_what_the_fills_left_after_fees(calm: Said, folder: Path) -> None:
    """Fees were ignored, so profit was wrong and the next leg too large. Here both follow from the fills."""
    keep = Decimal("0.999")
    returned = 1000 / Decimal(50000) * keep / Decimal("0.05") * keep
    sold = Decimal("0.39920")  # the market's step: five decimals
    assert sold <= returned
    expected = sold * 2510 * keep - 1000
    assert number(ending(calm)["pnl"]) == expected
    assert {name: number(text) for name, text in calm.summary["pnl"].items()} == {"USDT": expected}
    assert number(ending(calm)["dust"]["ETH"]) == returned - sold
    assert ledger(folder)["USDT"] == expected


def test_row_12_a_liquidated_cycle_has_its_loss(fallen: Said) -> None:
    """A panic-sold cycle had no P/L at all."""
    last = ending(fallen)
    assert number(last["pnl"]) == number(last["returned"]["USDT"]) - 1000
    assert fallen.summary["pnl"]["USDT"] == last["pnl"]


def test_row_12_profits_in_different_currencies_are_not_added(folder: Path) -> None:
    """Statistics added dollars to coins. Here each currency has its own sum."""
    dollars = strategy(folder, name="dollars")
    coins = strategy(folder, name="coins", cycle="[BTC, ETH, USDT]", amount="0.02")
    moments = [*quiet(), *chance(2), *end()]
    said = backtest(folder, moments, dollars, coins, cycles=2)
    assert said.summary["cycles"] == {"completed": 2}
    assert set(said.summary["pnl"]) == {"USDT", "BTC"}
    assert Decimal(said.summary["pnl"]["BTC"]) < Decimal("0.001")


def test_row_15_a_way_out_is_priced_and_chosen_by_what_it_brings(folder: Path) -> None:
    """A liquidation path was estimated without prices. Here two hops are taken where they bring more than one."""
    fallen = (2.11, FALLEN_ETH, SIZE)  # the second leg has filled: ether is held
    said = backtest(folder, [*quiet(), (2, ETH, SIZE), fallen, *end()])
    (plan,) = of(said, "UnwindStarted")
    hops = [order for order in of(said, "OrderIntended") if order["purpose"] == "unwind"]
    assert [(hop["market"], hop["side"]) for hop in hops[:2]] == [
        ("ETH/BTC", "sell"),
        ("BTC/USDT", "sell"),
    ]
    # What was estimated is what came, and each hop sold no more than the one before brought.
    first, second = of(said, "HopSettled")[:2]
    assert number(second["received"]) == number(plan["liquidation"])
    assert number(second["spent"]) <= number(first["received"])
    # What rounding left over is sold as well, from what is left and not from the start.
    assert sum(number(hop["spent"]) for hop in of(said, "HopSettled")[2:]) < Decimal("0.001")
    assert number(ending(said)["returned"]["USDT"]) >= number(plan["liquidation"])


def test_row_17_money_is_never_a_float(calm: Said, folder: Path) -> None:
    """Amounts were floats and ignored a market's step. Here they are exact text, in whole steps and ticks."""

    def floats(value: object) -> bool:
        if isinstance(value, dict):
            return any(floats(one) for one in value.values())
        if isinstance(value, list):
            return any(floats(one) for one in value)
        return isinstance(value, float)

    assert not any(floats(event["data"]) for event in calm.events)
    steps = {"BTC/USDT": "0.00001", "ETH/BTC": "0.00001", "ETH/USDT": "0.00001"}
    ticks = {"BTC/USDT": "0.01", "ETH/BTC": "0.000001", "ETH/USDT": "0.01"}
    for order in of(calm, "OrderIntended"):
        market = str(order["market"])
        assert number(order["amount"]) % Decimal(steps[market]) == 0
        assert number(order["limit"]) % Decimal(ticks[market]) == 0
    kinds = rows(folder / "log.db", "SELECT DISTINCT typeof(amount) FROM ledger")
    assert kinds == [("text",)]


def test_row_18_cycles_of_the_same_moment_are_two_cycles(folder: Path) -> None:
    """An id made of milliseconds let one cycle overwrite another. Here a counter of the log is part of it."""
    names = ["one", "two"]
    both = [strategy(folder, name=name) for name in names]
    said = backtest(folder, [*quiet(), *chance(2), *end()], *both, cycles=2)
    opened = [event for event in said.events if event["type"] == "CycleOpened"]
    assert len({event["at_ns"] for event in opened}) == 1
    assert [event["data"]["cycle_id"] for event in opened] == ["one-1", "two-2"]
    assert rows(folder / "log.db", "SELECT id, state FROM cycles ORDER BY id") == [
        ("one-1", "completed"),
        ("two-2", "completed"),
    ]
    orders = [event["client_order_id"] for event in of(said, "OrderIntended")]
    assert len(set(orders)) == len(orders) == 6


def test_row_23_only_what_was_executed_counts_as_executed(folder: Path) -> None:
    """A failed trade was counted as executed and its profit as locked in. Here an outcome and a reason are recorded."""
    gone = (2.01, ("BTC/USDT", "50990.00", "51000.00"), SIZE)  # before the first order arrives
    said = backtest(folder, [*quiet(), (2, ETH, SIZE), gone, *end()])
    assert said.summary["outcomes"] == {"missed": 1}
    assert said.summary["cycles"] == {"failed": 1}
    assert (said.summary["pnl"], said.summary["fees"]) == ({}, {})
    (missed,) = of(said, "CycleMissed")
    assert missed["reason"] == "filled nothing"
    assert ledger(folder) == {}


def test_row_24_every_order_ends_at_once_and_never_pays_more_than_its_limit(
    fallen_and_calm: list[Said],
) -> None:
    """Orders without a time in force were treated as if they were done. Here each is immediate or cancelled."""
    for said in fallen_and_calm:
        limits = {}
        for order in of(said, "OrderIntended"):
            assert order["time_in_force"] == "ioc"
            limits[order["client_order_id"]] = (order["side"], number(order["limit"]))
            worse = number(order["limit"]) / number(order["best"]) - 1
            bound = Decimal(20 if order["purpose"] == "leg" else 100) / 10_000
            assert abs(worse) <= bound
        for fill in of(said, "OrderFilled"):
            side, limit = limits[fill["client_order_id"]]
            price = number(fill["price"])
            assert price <= limit if side == "buy" else price >= limit
        closed = of(said, "OrderClosed")
        assert len(closed) == len(limits) > 1
        assert {one["status"] for one in closed} <= {"closed", "expired"}


@pytest.fixture
def fallen_and_calm(tmp_path: Path, calm: Said) -> list[Said]:
    other = tmp_path / "other"
    other.mkdir()
    moments = [*quiet(), (2, ETH, SIZE), (2.03, FALLEN_ETH, SIZE), *end()]
    return [calm, backtest(other, moments)]


def test_sums_of_fills_are_the_fees_of_the_summary(calm: Said) -> None:
    """Row 12 once more: the fees that a run tells are those of its fills."""
    by_asset: dict[str, list[dict[str, Any]]] = {}
    for fill in of(calm, "OrderFilled"):
        by_asset.setdefault(str(fill["fee_asset"]), []).append(fill)
    summed = {asset: total(fills, "fee") for asset, fills in by_asset.items()}
    assert {asset: Decimal(fee) for asset, fee in calm.summary["fees"].items()} == summed


def test_row_22_both_directions_of_every_triangle_are_found() -> None:
    """A generator sorted each triple and so kept one direction. Here both are cycles, each once."""
    found = [
        tuple(leg.spend_asset for leg in legs)
        for legs in directed_cycles(GeneratedMarket(1).markets, 3)
        if len(legs) == 3
    ]
    assert len(found) == 2 * count_cycles(GeneratedMarket(1).markets, 3)
    names = {identity_of(path) for path in found}
    assert len(names) == len(found)
    assert names == {identity_of(path[::-1]) for path in found}
