"""Fees in a third currency: what is sold does not go through it, for they would be taken from that."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from arb.events import facts as f
from arb.execution.cycles import planning
from arb.market.book import FeeRates
from arb.simulation.life import Life
from arb.simulation.market import BOOKS, MARKETS, book, rules
from tests.spec.world import World

# ETH > BNB > USDT gives more than ETH > USDC > USDT.
THROUGH = {
    **MARKETS,
    "BNB/ETH": rules("BNB/ETH", "0.000001", "0.001", "0.0001"),
    "ETH/USDC": rules("ETH/USDC"),
}
SHOWN = (
    *BOOKS,
    book("BNB/ETH", [("0.2480", "90")], [("0.2488", "90")]),
    book("ETH/USDC", [("1985", "90")], [("1995", "90")]),
)


def to_sell_eth(worlds: Callable[..., World], gone: tuple[str, ...] = (), **more: Any) -> World:
    """Halt what joins ETH and the path as soon as it is held; `gone`: other ways that are halted."""
    world = worlds(markets=THROUGH, books=SHOWN, bnb="10", **more)

    def halt() -> None:
        for market in ("ETH/USDT", "ETH/BTC", *gone):
            world.venue.halt_market(market, halted=True)

    world.on(f.OrderClosed, 2, halt)
    return world


def unwound(world: World) -> list[str]:
    return [one.market for one in world.facts(f.OrderIntended) if one.purpose == "unwind"]


@pytest.mark.parametrize(
    ("fee_asset", "way"),
    [("BNB", ["ETH/USDC", "USDC/USDT"]), (None, ["BNB/ETH", "BNB/USDT"])],
)
def test_a_way_out_goes_around_the_fee_currency(
    worlds: Callable[..., World], fee_asset: str | None, way: list[str]
) -> None:
    world = to_sell_eth(worlds, fee_asset=fee_asset)
    world.strategies = [world.strategy(extra="panic_sell: {base_currencies: [USDT]}\n")]
    assert world.run() == 0
    world.check()
    assert unwound(world) == way
    assert "BNB" not in world.cycle().dust or fee_asset is None
    assert world.facts(f.RiskTripped) == []


def test_what_only_the_fee_currency_could_sell_is_parked(worlds: Callable[..., World]) -> None:
    world = to_sell_eth(worlds, gone=("ETH/USDC",), fee_asset="BNB")
    assert world.run() == 1
    world.check()
    assert unwound(world) == []
    assert set(world.cycle().parked) == {"ETH"}


def test_a_way_out_may_end_in_the_fee_currency(worlds: Callable[..., World]) -> None:
    world = to_sell_eth(worlds, gone=("ETH/USDC",), fee_asset="BNB")
    world.strategies = [world.strategy(extra="panic_sell: {base_currencies: [USDT, BNB]}\n")]
    assert world.run() == 0
    world.check()
    assert unwound(world) == ["BNB/ETH"]
    assert world.cycle().outcome == "liquidated"


def test_nothing_is_bought_that_only_the_fee_currency_could_sell(
    worlds: Callable[..., World],
) -> None:
    world = worlds(markets=THROUGH, books=SHOWN, bnb="10", fee_asset="BNB")
    asked: list[str | None] = []

    def look(life: Life) -> None:
        desk = life.parts.desk
        cycle = desk.journal.cycles["demo-1"]
        for gone in ((), ("ETH/USDT", "ETH/BTC"), ("ETH/USDT", "ETH/BTC", "ETH/USDC")):
            whole = dict(desk.markets)
            quote = planning.quote_cycle(desk, cycle)
            assert not isinstance(quote, planning.Shortfall)
            desk.markets = {
                name: replace(one, active=one.active and name not in gone)
                for name, one in whole.items()
            }
            asked.append(planning.exits_missing(desk, cycle, quote))
            desk.markets = whole

    lives: list[Life] = []
    world.at(0.0, lives.append)
    world.on(f.OrderIntended, 1, lambda: world.loop.call_later(0.002, look, lives[0]))
    world.run()
    assert asked == [None, None, "ETH"]


def test_a_crumb_that_only_the_fee_currency_takes_is_dust(worlds: Callable[..., World]) -> None:
    """0.002 ETH are too little for every market but that of BNB."""
    found: list[bool] = []

    def look(life: Life) -> None:
        desk, crumb = life.parts.desk, Decimal("0.002")
        for fee_asset in ("BNB", None):
            desk.fees = replace(desk.fees, fee_asset=fee_asset)
            found.extend(
                planning.is_dust(desk, "ETH", crumb, targets)
                for targets in (("USDT",), ("USDT", "BNB"))
            )

    low = {"BNB/ETH": rules("BNB/ETH", "0.000001", "0.001", "0.0001"),
           "BNB/USDT": rules("BNB/USDT", "0.01", "0.001", "0.1")}  # fmt: skip
    world = worlds(markets={**MARKETS, **low}, books=SHOWN, bnb="10", fee_asset="BNB")
    world.at(0.5, look)
    world.run(cycles=None, duration_s=1)
    assert found == [True, False, False, False]


def test_ways_out_follow_the_fee_currency_and_the_markets(worlds: Callable[..., World]) -> None:
    world = worlds(markets=THROUGH, books=SHOWN, bnb="10")
    seen: list[set[str]] = []

    def look(life: Life) -> None:
        desk = life.parts.desk

        def ways() -> None:
            seen.append({leg.receive_asset for leg in desk.ways_out(("USDT",))["ETH"]})

        ways()
        desk.fees = FeeRates(desk.fees.taker, desk.fees.maker, "BNB")
        ways()
        assert desk.ways_out(("USDT",)) is desk.ways_out(("USDT",))
        desk.markets = {name: one for name, one in desk.markets.items() if name != "ETH/USDC"}
        ways()
        desk.fees = FeeRates(desk.fees.taker, desk.fees.maker)
        ways()

    world.at(0.5, look)
    world.run(cycles=None, duration_s=1)
    assert seen == [
        {"BNB", "BTC", "USDC", "USDT"},
        {"BTC", "USDC", "USDT"},
        {"BTC", "USDT"},
        {"BNB", "BTC", "USDT"},
    ]


@pytest.mark.parametrize("cycle", ["[USDT, BNB, BTC]", "[USDT, BTC, BNB]", "[USDT, BTC, ETH]"])
def test_what_the_account_paid_in_fees_counts_in_a_currency_of_the_path_too(
    worlds: Callable[..., World], cycle: str
) -> None:
    """The venue charges them in BNB, and does not say so before: nothing keeps paths off BNB."""
    joined = {"BNB/BTC": rules("BNB/BTC", "0.000001", "0.001", "0.0001")}
    shown = (*BOOKS, book("BNB/BTC", [("0.0100", "900")], [("0.0101", "900")]))
    world = worlds(markets={**MARKETS, **joined}, books=shown, fee_asset="BNB", bnb="10")
    told = world.venue.fees

    async def silent() -> FeeRates:
        return replace(await told(), fee_asset=None)

    world.venue.fees = silent  # type: ignore[method-assign]
    risk = "risk_controls: {max_open_cycles: 1}\n"
    world.strategies = [world.strategy(cycle=cycle, min_profit="-400", extra=risk)]
    assert world.run() == 0
    world.check()
    ended, account = world.cycle(), world.account()
    assert ended.outcome == "completed"
    kept = ended.dust.get("BNB", Decimal(0))
    paid = (account.opening or {})["BNB"] + kept - account.expected("BNB")
    assert paid > 0
    assert ended.fee_value == paid * 500  # at the bid


@pytest.mark.parametrize("target", ["USDC", "USDT"])  # it ends in USDC, or goes through it
def test_a_fee_that_was_taken_from_what_a_sale_brought_counts_once(
    worlds: Callable[..., World], target: str
) -> None:
    """What came back is less by it already, in a currency beside the path as in one of it."""
    world = to_sell_eth(worlds, gone=("BNB/ETH",))
    world.strategies = [world.strategy(extra=f"panic_sell: {{base_currencies: [{target}]}}\n")]
    assert world.run() == 0
    world.check()
    ended = world.cycle()
    assert (ended.outcome, unwound(world)[0]) == ("liquidated", "ETH/USDC")
    assert ended.fees["USDC"] > 0
    assert ended.fee_value == 0
