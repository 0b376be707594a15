"""A venue's rows as records of the port. Every field is untrusted: what is missing, of another type or no number is None. Pure.

Numbers become `Decimal` from the text that the venue wrote; a float has lost that text and is None.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct, structs

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S
from arb.exchange.client.exact_json import at
from arb.exchange.dialects.shape import QUOTE_ASSET, Dialect, OrderKeys, TradeKeys
from arb.exchange.port import Balance, FillReport, OrderReport, Unreachable
from arb.money import ZERO

_NUMBER: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,2})?", re.ASCII)
_ID: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
_LARGEST: Final = Decimal(10) ** 24  # no venue books more units than this of anything
_EARLIEST_NS: Final = 10_000 * NS_PER_DAY  # 1997
_LATEST_NS: Final = 60_000 * NS_PER_DAY  # 2134
_MS_DIGITS: Final = 12  # from here on a whole number is milliseconds


class Names(Struct, frozen=True):
    """How the venue's names of markets and assets are ours."""

    market_of: Callable[[str], str | None]
    asset_of: Callable[[str], str | None]
    quote_of: Callable[[str], str | None]  # of one of our markets


def number(told: object) -> Decimal | None:
    """Read a number as it was written; None for what is none, is a float, or is beyond all sense."""
    if isinstance(told, int) and not isinstance(told, bool):
        value = Decimal(told) if abs(told) < _LARGEST else None
    elif isinstance(told, str) and _NUMBER.fullmatch(told):
        value = Decimal(told)
    else:
        return None
    if value is None or abs(value) >= _LARGEST:
        return None
    return value


def quantity(told: object) -> Decimal | None:
    """Read a number that cannot be below zero."""
    value = number(told)
    return None if value is None or value < ZERO else value


def identity(told: object, least: int = 1) -> str | None:
    """Read an id: a whole number from `least` on, or a short text without spaces."""
    if isinstance(told, int) and not isinstance(told, bool):
        return str(told) if least <= told < _LARGEST else None
    return told if isinstance(told, str) and _ID.fullmatch(told) else None


def moment_ns(told: object) -> int | None:
    """Read a time: milliseconds, seconds (with a fraction or not), or ISO 8601."""
    if isinstance(told, str) and "T" in told:
        return _iso_ns(told)
    value = quantity(told)
    if value is None:
        return None
    unit = NS_PER_MS if value >= Decimal(10) ** (_MS_DIGITS - 1) else NS_PER_S
    ns = int(value * unit)
    return ns if _EARLIEST_NS < ns < _LATEST_NS else None


def _iso_ns(told: str) -> int | None:
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    # Whole parts of the difference, because a float of seconds has too few digits for it.
    since = moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    ns = (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1_000
    return ns if _EARLIEST_NS < ns < _LATEST_NS else None


def order_report(
    dialect: Dialect, row: object, names: Names, *, created: bool = False
) -> OrderReport:
    """Turn a row of an order into a report; raises Unreachable for what is no row at all."""
    if not isinstance(row, dict):
        raise Unreachable(f"{dialect.venue} told no order")
    keys = dialect.created if created else dialect.order
    status = _status(dialect, row, keys)
    if created and dialect.id_only and status is None and _unsaid(row, keys):
        status = "open"  # it took the order and says no more: how it stands is read
    market = _market(row, keys.market, names)
    return OrderReport(
        exchange_order_id=identity(at(row, keys.id)) if keys.id else None,
        client_order_id=_client_id(dialect, row, keys.client),
        market=market,
        side=_side(row, keys.side),
        status=status,
        amount=quantity(at(row, keys.amount)) if keys.amount else None,
        filled=quantity(at(row, keys.filled)) if keys.filled else None,
        fills=_fills(dialect, row, keys, names) if created and keys.fills else None,
        venue_ns=moment_ns(at(row, keys.made)) if keys.made else None,
    )


def fill_report(dialect: Dialect, row: object, names: Names) -> FillReport:
    """Turn a row of a trade into a report; a row that is none at all has nothing but None in it."""
    keys = dialect.trade
    told: Mapping[str, object] = row if isinstance(row, dict) else {}
    market = _market(told, keys.market, names)
    price, amount = quantity(at(told, keys.price)), quantity(at(told, keys.amount))
    untold = None if price is None or amount is None else price * amount
    fee, fee_asset = _fee(told, keys, market, names)
    return FillReport(
        trade_id=identity(at(told, keys.id), least=0),  # a market's first trade may be number 0
        exchange_order_id=identity(at(told, keys.order)),
        client_order_id=_client_id(dialect, told, keys.client),
        market=market,
        side=_side(told, keys.side),
        price=price,
        amount=amount,
        cost=quantity(at(told, keys.cost)) if keys.cost else untold,
        fee=fee,
        fee_asset=fee_asset,
        venue_ns=moment_ns(at(told, keys.made)),
    )


def balances(rows: object, keys: tuple[str, str, str], names: Names) -> dict[str, Balance]:
    """Turn rows of (asset, free, locked) into balances; raises Unreachable where one cannot be read.

    An account of which a part cannot be read is not known at all: nothing is left out.
    """
    if not isinstance(rows, list):
        raise Unreachable("the venue told no balances")
    asset_key, free_key, locked_key = keys
    found: dict[str, Balance] = {}
    for row in rows:
        told = at(row, asset_key)
        asset = names.asset_of(told) if isinstance(told, str) and told else None
        free, locked = quantity(at(row, free_key)), quantity(at(row, locked_key))
        if asset is None or free is None or locked is None:
            raise Unreachable(f"unreadable balance of {told!r:.40}")
        if asset in found:
            raise Unreachable(f"two balances of {asset}")
        found[asset] = Balance(free=free, locked=locked)
    return found


def rows(dialect: Dialect, body: object, path: str) -> list[object]:
    """The list at a path; raises Unreachable where there is none: a list that is not there is no empty list.

    A venue that lists by id gives none to its rows: they are given theirs.
    """
    told = at(body, path)
    if dialect.replies.by_id and isinstance(told, dict):
        return [{"id": key, **row} if isinstance(row, dict) else row for key, row in told.items()]
    if dialect.replies.by_id or not isinstance(told, list):
        raise Unreachable(f"{dialect.venue} told no list: {body!r:.120}")
    return told


def _client_id(dialect: Dialect, row: Mapping[str, object], key: str) -> str | None:
    told = identity(at(row, key)) if key else None
    if told is None or not dialect.client_prefix:
        return told
    return told.removeprefix(dialect.client_prefix)


def _status(dialect: Dialect, row: Mapping[str, object], keys: OrderKeys) -> str | None:
    told = at(row, keys.status)
    text = str(told) if isinstance(told, str | bool) else ""
    return dict(dialect.statuses).get(text)


def _unsaid(row: Mapping[str, object], keys: OrderKeys) -> bool:
    """Whether the reply says nothing of how the order stands; its own code, if there is one, says that all is well."""
    status, own_code = at(row, keys.status), at(row, "sCode")
    return (status is None or status == "") and (own_code is None or own_code == "0")


def _side(row: Mapping[str, object], key: str) -> str | None:
    told = at(row, key)
    if isinstance(told, bool):
        return "buy" if told else "sell"
    side = told.lower() if isinstance(told, str) else None
    return side if side in {"buy", "sell"} else None


def _market(row: Mapping[str, object], key: str, names: Names) -> str | None:
    """Our name of the row's market; a name that we do not know stays itself, so that it fits no order of ours."""
    told = at(row, key) if key else None
    if not isinstance(told, str) or not told:
        return None
    return names.market_of(told) or told


def _fee(
    row: Mapping[str, object], keys: TradeKeys, market: str | None, names: Names
) -> tuple[Decimal | None, str | None]:
    """What a trade cost, and in which currency; nothing where it was paid in several, or cannot be read."""
    fee = number(at(row, keys.fee))
    if fee is not None and keys.fee_is_negative:
        fee = -fee
    paid = [(fee, _fee_asset(row, keys, market, names))]
    for key, asset in keys.fees_beside:
        told = at(row, key)
        if told not in (None, ""):
            paid.append((number(told), names.asset_of(asset)))
    charged = [one for one in paid if one[0] != ZERO]
    if len(charged) > 1:
        return None, None
    return charged[0] if charged else paid[0]


def _fee_asset(
    row: Mapping[str, object], keys: TradeKeys, market: str | None, names: Names
) -> str | None:
    if keys.fee_asset == QUOTE_ASSET:
        return None if market is None else names.quote_of(market)
    told = at(row, keys.fee_asset)
    if isinstance(told, str) and told:
        return names.asset_of(told)
    # Where nothing is charged some venues name no currency of it: nothing of any is the same.
    if market is None or number(at(row, keys.fee)) != ZERO:
        return None
    return names.quote_of(market)


def _fills(
    dialect: Dialect, row: Mapping[str, object], keys: OrderKeys, names: Names
) -> tuple[FillReport, ...] | None:
    """The trades that came with the reply, where they say all; else None, and the trades are read.

    They tell no quote amount of their own: that of the whole order is a single trade's.
    """
    told = at(row, keys.fills)
    filled = quantity(at(row, keys.filled))
    if not isinstance(told, list) or filled is None:
        return None
    if not told:
        return () if filled == ZERO else None
    if len(told) > 1 or not isinstance(told[0], dict):
        return None
    only = fill_report(dialect, told[0], names)
    if only.amount != filled:
        return None
    trade = FillReport(
        trade_id=identity(told[0].get("tradeId"), least=0),
        exchange_order_id=identity(at(row, keys.id)),
        client_order_id=_client_id(dialect, row, keys.client),
        market=_market(row, keys.market, names),
        side=_side(row, keys.side),
        price=only.price,
        amount=only.amount,
        cost=quantity(at(row, keys.cost)),
        fee=only.fee,
        fee_asset=only.fee_asset,
        venue_ns=moment_ns(at(row, keys.made)),
    )
    return None if None in structs.astuple(trade) else (trade,)
