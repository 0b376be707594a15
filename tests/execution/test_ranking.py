"""Of several opportunities the one that brings most is first, in a currency in which they can be valued."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from arb.execution.opportunities.ranking import Ranking, reference_of

RATES = {"USDT": Decimal(1), "BTC": Decimal(50_000)}


def strategies(*bases: str, reference: str | None = None) -> Any:
    panic_sell = SimpleNamespace(base_currencies=bases)
    return {"one": SimpleNamespace(reference_currency=reference, panic_sell=panic_sell)}


def plan(start: str, gain: str) -> Any:
    return SimpleNamespace(legs=[SimpleNamespace(spend_asset=start)], gain=Decimal(gain))


class Desk:
    """Values in USDT, and counts how often it was asked."""

    exits = RATES
    asked = 0

    def value(self, asset: str, amount: Decimal, in_asset: str) -> Decimal | None:
        assert in_asset == "USDT"
        self.asked += 1
        return amount * RATES[asset] if asset in RATES else None


def ranked(desk: Any, *plans: Any) -> list[str]:
    ranking: Ranking[str] = Ranking(desk, strategies("USDC", "USDT"))
    for number, one in enumerate(plans):
        ranking.add(str(number), one)
    return [name for name, _, _ in ranking]


def test_a_base_currency_that_is_not_traded_here_compares_nothing() -> None:
    assert reference_of(strategies("USDC", "USDT", "BTC"), RATES) == "USDT"
    assert reference_of(strategies("USDC"), RATES) == "USDC"
    assert reference_of(strategies("USDT", reference="BTC"), RATES) == "BTC"


def test_what_brings_most_is_first_and_what_nothing_values_last() -> None:
    plans = plan("XYZ", "9"), plan("USDT", "2"), plan("BTC", "0.001"), plan("USDT", "-1")
    assert ranked(Desk(), *plans) == ["2", "1", "3", "0"]


def test_what_is_added_on_the_way_finds_its_place() -> None:
    ranking: Ranking[str] = Ranking(Desk(), strategies("USDT"))  # type: ignore[arg-type]
    ranking.add("some", plan("USDT", "2"))
    ranking.add("most", plan("USDT", "3"))
    order = []
    for name, _, after in ranking:
        order.append((name, after))
        if name == "most":
            ranking.add("late", plan("USDT", "2.5"), after=1)
    assert order == [("most", 0), ("late", 1), ("some", 0)]


def test_one_alone_needs_no_value() -> None:
    desk = Desk()
    assert ranked(desk, plan("USDT", "2")) == ["0"]
    assert desk.asked == 0
