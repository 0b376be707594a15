"""The markets that a client lists, as rules: exact steps from the venue's filters, or not at all. And its names for them."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from arb.exchange.client.exact_json import at
from arb.exchange.client.replies import Names, quantity
from arb.market.book import MarketRules
from arb.money import ZERO

AMOUNT_MAX: Final = Decimal(10) ** 15  # where the venue names no largest amount


def market_rules(
    listed: object, permissions: Collection[str] = (), refused: Collection[str] = ()
) -> tuple[dict[str, MarketRules], int]:
    """Read the spot markets, and count those that cannot be read; a market that is not open is kept and flagged.

    To an account those are not open that its `permissions` leave out, or that refused it before.
    """
    found: dict[str, MarketRules] = {}
    left_out = 0
    for told in listed.values() if isinstance(listed, Mapping) else ():
        if at(told, "spot") is not True:
            continue
        rules = _rules(told)
        if rules is None or rules.market in found:
            left_out += 1
            continue
        if rules.market in refused or not _permitted(told, permissions):
            rules = replace(rules, active=False)
        found[rules.market] = rules
    return found, left_out


def _permitted(told: object, permissions: Collection[str]) -> bool:
    """Whether an account has one of each set of permissions that a market names; what is not told forbids nothing."""
    sets = at(told, "info.permissionSets")
    if not permissions or not isinstance(sets, list):
        return True
    named = [one for one in sets if isinstance(one, list) and one]
    return all(any(held in one for held in permissions) for one in named)


def _rules(told: object) -> MarketRules | None:
    base, quote, symbol = at(told, "base"), at(told, "quote"), at(told, "symbol")
    if not isinstance(base, str) or not isinstance(quote, str) or not base or not quote:
        return None
    if symbol != f"{base}/{quote}":
        return None
    tick = _above_zero(at(told, "precision.price"))
    step = _above_zero(at(told, "precision.amount"))
    if tick is None or step is None:
        return None
    return MarketRules(
        market=symbol,
        base=base,
        quote=quote,
        tick_size=tick,
        step_size=step,
        amount_min=_above_zero(at(told, "limits.amount.min")) or step,
        amount_max=_above_zero(at(told, "limits.amount.max")) or AMOUNT_MAX,
        notional_min=quantity(at(told, "limits.cost.min")) or ZERO,
        active=at(told, "active") is True,
    )


def _above_zero(told: object) -> Decimal | None:
    value = quantity(told)
    return None if value is None or value == ZERO else value


def client_names(client: Any, markets: Callable[[], Mapping[str, MarketRules]]) -> Names:  # noqa: ANN401 -- ccxt's
    """How a client translates the venue's names."""

    def market_of(market_id: str) -> str | None:
        known = (client.markets_by_id or {}).get(market_id, ())
        # Kraken has two names for some markets: orders go to one, and are told with the other.
        other = client.options.get("marketsByAltname", {}).get(market_id)
        spot = [str(at(one, "symbol")) for one in (*known, other) if at(one, "spot") is True]
        return spot[0] if spot else None

    def asset_of(asset_id: str) -> str | None:
        code = client.safe_currency_code(asset_id)
        return code if isinstance(code, str) and code else None

    def quote_of(market: str) -> str | None:
        rules = markets().get(market)
        return None if rules is None else rules.quote

    return Names(market_of=market_of, asset_of=asset_of, quote_of=quote_of)
