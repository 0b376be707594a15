"""What an account is, may and pays: readings that each venue has its own words for."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, field

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, Clock
from arb.exchange.client.exact_json import at
from arb.exchange.client.paging import Sleep, complete
from arb.exchange.client.replies import Names, balances, identity, moment_ns, number, quantity
from arb.exchange.client.seldom import Seldom
from arb.exchange.port import Balance, BalanceChange, Unreachable
from arb.market.book import FeeRates
from arb.money import ZERO

Ask = Callable[..., Awaitable[object]]  # an endpoint's name and parameters -> the body

_BINANCE_PAGE: Final = 1_000
_WITHDRAWALS: Final = "sapiGetCapitalWithdrawHistory"
_OKX_PAGE: Final = 100
_OKX_PAGES_MAX: Final = 100
_OKX_TRANSFERS: Final = (
    "1"  # the type of bill that a deposit into, or a way out of, the trading account is
)
# The states of a withdrawal that took nothing, or gave it back: cancelled, rejected, failed.
_GIVEN_BACK: Final = frozenset({1, 3, 5})
# Deposits are listed by when they were first seen; one may be credited so much later.
_PENDING_NS: Final = 30 * NS_PER_DAY
# An account may list its withdrawals ten times a minute; others may do so too.
WITHDRAWAL_READS_MAX: Final = 8
WITHDRAWAL_READS_S: Final = 60.0
_SPOT_WALLET: Final = 0
_FUNDING_WALLET: Final = 1  # another account than the one we trade on
_CREDITED: Final = frozenset({1, 6})  # of a deposit: done, and credited but locked for withdrawal
_RATE_MAX: Final = Decimal("0.1")


class Reading(Struct, frozen=True, kw_only=True):
    """What the readings below stand on."""

    ask: Ask
    names: Names
    has: Callable[[str], bool]  # whether the client has this kind of endpoint here
    now_ns: Callable[[], int]  # the venue's clock, estimated
    sleep: Sleep
    id_of: Callable[[str], str]  # the venue's name of one of our markets
    group_of: Callable[[str], object]  # which fees are charged there, where the venue has groups
    withdrawals: Callable[[], Awaitable[None]]  # waits until their list may be read again
    # Spans of the past whose rows do not change any more: an endpoint, from and to.
    past: dict[tuple[str, int, int], list[object]] = field(default_factory=dict)


def few_withdrawals(clock: Clock) -> Callable[[], Awaitable[None]]:
    """Let lists of withdrawals be read as often as the venue takes it."""
    return Seldom(clock, WITHDRAWAL_READS_MAX, WITHDRAWAL_READS_S).turn


class AccountWords(Struct, frozen=True):
    """One venue's readings."""

    balances: Callable[[Reading], Awaitable[dict[str, Balance]]]
    fees: Callable[[Reading, str], Awaitable[FeeRates]]
    account_id: Callable[[Reading], Awaitable[str | None]]
    may_withdraw: Callable[[Reading], Awaitable[bool | None]]
    changes: Callable[[Reading, int], Awaitable[list[BalanceChange]]]
    # What markets may ask of whoever trades on them; empty where the venue does not say.
    permissions: Callable[[Reading], Awaitable[frozenset[str]]]


def hashed(venue: str, key: str) -> str:
    """Name an account that tells no id of its own by its key, which cannot be read back from it."""
    return hashlib.sha256(f"arb account\0{venue}\0{key}".encode()).hexdigest()[:16]


def _rate(told: object) -> Decimal:
    """Read a rate; raises Unreachable for what cannot be one."""
    rate = quantity(told)
    if rate is None or rate > _RATE_MAX:
        raise Unreachable(f"the venue told a fee rate of {told!r:.40}")
    return rate


def _named(told: object) -> str:
    """Read the id of an account whose venue tells it: another name for it would be another account."""
    found = identity(told)
    if found is None:
        raise Unreachable(f"the venue told no id of the account, but {told!r:.40}")
    return found


def _rows(told: object) -> list[object]:
    if not isinstance(told, list):
        raise Unreachable("the venue told no list")
    return told


# --- binance


async def _binance_balances(reading: Reading) -> dict[str, Balance]:
    told = await reading.ask("privateGetAccount")
    return balances(at(told, "balances"), ("asset", "free", "locked"), reading.names)


async def _binance_fees(reading: Reading, market: str) -> FeeRates:
    """The highest of what is charged: the account's rate, and the market's with every part of it.

    A discount for paying in another asset is left out: it ends when that asset does.
    """
    account = await reading.ask("privateGetAccount")
    told = await reading.ask("privateGetAccountCommission", {"symbol": reading.id_of(market)})
    rates = {}
    for side in ("taker", "maker"):
        whole = ZERO
        for part in ("standardCommission", "specialCommission", "taxCommission"):
            if part == "specialCommission" and at(told, part) is None:
                continue
            sides = (_rate(at(told, f"{part}.buyer")), _rate(at(told, f"{part}.seller")))
            whole += _rate(at(told, f"{part}.{side}")) + max(sides)
        rates[side] = max(whole, _rate(at(account, f"commissionRates.{side}")))
    discounted = (
        at(told, "discount.enabledForAccount") is True
        and at(told, "discount.enabledForSymbol") is True
    )
    asset = at(told, "discount.discountAsset")
    fee_asset = reading.names.asset_of(asset) if discounted and isinstance(asset, str) else None
    return FeeRates(taker=rates["taker"], maker=rates["maker"], fee_asset=fee_asset)


async def _binance_id(reading: Reading) -> str | None:
    return _named(at(await reading.ask("privateGetAccount"), "uid"))


async def _binance_permissions(reading: Reading) -> frozenset[str]:
    told = at(await reading.ask("privateGetAccount"), "permissions")
    named = told if isinstance(told, list) else ()
    return frozenset(one for one in named if isinstance(one, str))


async def _binance_may_withdraw(reading: Reading) -> bool | None:
    if not reading.has("sapi"):
        return None
    told = at(await reading.ask("sapiGetAccountApiRestrictions"), "enableWithdrawals")
    return told if isinstance(told, bool) else None


async def _binance_changes(reading: Reading, since_ns: int) -> list[BalanceChange]:
    if not reading.has("sapi"):
        return []  # a test network has no way in or out
    found = []
    for name, read, before_ns in (
        ("sapiGetCapitalDepositHisrec", _binance_deposit, _PENDING_NS),
        (_WITHDRAWALS, _binance_withdrawal, NS_PER_S),
    ):

        async def page(begin_ns: int, end_ns: int, name: str = name) -> list[object]:
            key = (name, begin_ns, end_ns)
            if key in reading.past:
                return reading.past[key]
            if name == _WITHDRAWALS:
                await reading.withdrawals()
            span = {"startTime": begin_ns // NS_PER_MS, "endTime": end_ns // NS_PER_MS}
            found = _rows(await reading.ask(name, {**span, "limit": _BINANCE_PAGE}))
            if end_ns < reading.now_ns() - _PENDING_NS:
                reading.past[key] = found
            return found

        rows = await complete(
            page,
            max(since_ns - before_ns, 0),
            reading.now_ns(),
            window_ns=89 * NS_PER_DAY,
            page=_BINANCE_PAGE,
            unit_ns=NS_PER_MS,
            sleep=reading.sleep,
        )
        for row in rows:
            if _is_of_spot(row):
                found += read(row, reading.names)
    return found


def _is_of_spot(row: object) -> bool:
    """Whether a deposit or withdrawal moved the spot wallet; raises Unreachable for a wallet that is not known."""
    told = at(row, "walletType")
    if told is None or number(told) == _SPOT_WALLET:
        return True
    if number(told) == _FUNDING_WALLET:
        return False
    raise Unreachable(f"a deposit or withdrawal of an unknown wallet: {row!r:.120}")


def _change(
    change_id: str, row: object, asset: object, *, amount: Decimal | None, at_ns: int | None
) -> BalanceChange:
    if not isinstance(asset, str) or amount is None or at_ns is None:
        raise Unreachable(f"unreadable deposit or withdrawal: {row!r:.120}")
    return BalanceChange(change_id=change_id, asset=asset, amount=amount, venue_ns=at_ns)


def _asset(row: object, key: str, names: Names) -> str | None:
    told = at(row, key)
    return names.asset_of(told) if isinstance(told, str) and told else None


def _binance_deposit(row: object, names: Names) -> list[BalanceChange]:
    status = number(at(row, "status"))
    if status is None or identity(at(row, "id")) is None:
        raise Unreachable(f"unreadable deposit: {row!r:.120}")
    if status not in _CREDITED:
        return []
    change_id = f"deposit-{identity(at(row, 'id'))}"
    # It may be seen long before it is credited, and only then is it part of a balance.
    credited = at(row, "completeTime")
    made = moment_ns(at(row, "insertTime") if credited in (None, 0, "") else credited)
    asset, amount = _asset(row, "coin", names), quantity(at(row, "amount"))
    return [_change(change_id, row, asset, amount=amount, at_ns=made)]


def _binance_withdrawal(row: object, names: Names) -> list[BalanceChange]:
    """What left, with the fee; what came back after all comes back as a change of its own."""
    status, withdrawal = number(at(row, "status")), identity(at(row, "id"))
    amount, fee = quantity(at(row, "amount")), quantity(at(row, "transactionFee"))
    if status is None or withdrawal is None or amount is None or fee is None:
        raise Unreachable(f"unreadable withdrawal: {row!r:.120}")
    told = at(row, "applyTime")
    made = moment_ns(f"{told.replace(' ', 'T', 1)}+00:00" if isinstance(told, str) else told)
    change_id = f"withdrawal-{withdrawal}"
    if made is not None:
        # Told to the second: by its end it had happened, and what was read within it may lack it.
        made += NS_PER_S - NS_PER_MS
    asset = _asset(row, "coin", names)
    left = _change(change_id, row, asset, amount=-(amount + fee), at_ns=made)
    if status not in _GIVEN_BACK:
        return [left]
    back = BalanceChange(
        change_id=f"{change_id}-back", asset=left.asset, amount=-left.amount, venue_ns=left.venue_ns
    )
    return [left, back]


# --- okx


async def _okx_balances(reading: Reading) -> dict[str, Balance]:
    told = await reading.ask("privateGetAccountBalance")
    return balances(at(told, "data.0.details"), ("ccy", "availBal", "frozenBal"), reading.names)


async def _okx_fees(reading: Reading, market: str) -> FeeRates:
    """A charge is told as a negative rate; a rebate is not counted on.

    The venue tells rates by groups of markets. Those beside the groups are deprecated: where they are
    still told, the higher one counts.
    """
    asked = {"instType": "SPOT", "instId": reading.id_of(market)}
    told = at(await reading.ask("privateGetAccountTradeFee", asked), "data.0")
    groups = _rows(at(told, "feeGroup") or [])
    own = [one for one in groups if at(one, "groupId") == reading.group_of(market)]
    rates = {}
    for side in ("taker", "maker"):
        beside = at(told, side)
        rows = [at(one, side) for one in own or groups]
        charged = [_okx_rate(one) for one in ([*rows, beside] if beside or not rows else rows)]
        rates[side] = max(charged)
    return FeeRates(taker=rates["taker"], maker=rates["maker"])


def _okx_rate(told: object) -> Decimal:
    rate = number(told)
    if rate is None or abs(rate) > _RATE_MAX:
        raise Unreachable(f"the venue told a fee rate of {told!r:.40}")
    return max(-rate, ZERO)


async def _okx_id(reading: Reading) -> str | None:
    return _named(at(await reading.ask("privateGetAccountConfig"), "data.0.uid"))


async def _okx_may_withdraw(reading: Reading) -> bool | None:
    told = at(await reading.ask("privateGetAccountConfig"), "data.0.perm")
    if not isinstance(told, str) or not told:
        return None
    return "withdraw" in [one.strip() for one in told.split(",")]


async def _okx_changes(reading: Reading, since_ns: int) -> list[BalanceChange]:
    """Transfers are how anything enters or leaves the trading account; deposits arrive in another one."""
    found: dict[str, BalanceChange] = {}
    wanted: dict[str, Any] = {
        "type": _OKX_TRANSFERS,
        "begin": str(since_ns // NS_PER_MS),
        "limit": str(_OKX_PAGE),
    }
    # The quick list knows a week; the archive three months.
    recent = reading.now_ns() - since_ns < 6 * NS_PER_DAY
    name = "privateGetAccountBills" if recent else "privateGetAccountBillsArchive"
    for _ in range(_OKX_PAGES_MAX):
        rows = _rows(at(await reading.ask(name, wanted), "data"))
        for row in rows:
            bill = identity(at(row, "billId"))
            if bill is None:
                raise Unreachable(f"unreadable bill: {row!r:.120}")
            found[bill] = _change(
                f"bill-{bill}",
                row,
                _asset(row, "ccy", reading.names),
                amount=number(at(row, "balChg")),
                at_ns=moment_ns(at(row, "ts")),
            )
        if len(rows) < _OKX_PAGE:
            return list(found.values())
        wanted = {**wanted, "after": identity(at(rows[-1], "billId"))}
    raise Unreachable(f"more than {_OKX_PAGES_MAX} pages of transfers")


# --- the others, by what their client has in common


async def _common_balances(reading: Reading) -> dict[str, Balance]:
    told = await reading.ask("fetch_balance")
    free, used = at(told, "free"), at(told, "used")
    if not isinstance(free, dict) or not isinstance(used, dict):
        raise Unreachable("the venue told no balances")
    rows: list[object] = [
        {"asset": asset, "free": amount, "locked": used.get(asset)}
        for asset, amount in free.items()
    ]
    return balances(rows, ("asset", "free", "locked"), reading.names)


async def _common_fees(reading: Reading, market: str) -> FeeRates:
    told = await reading.ask("fetch_trading_fee", market)
    return FeeRates(taker=_rate(at(told, "taker")), maker=_rate(at(told, "maker")))


async def _nothing(_reading: Reading) -> None:
    return None


async def _common_changes(reading: Reading, since_ns: int) -> list[BalanceChange]:
    found = []
    for name, sign in (("fetch_deposits", 1), ("fetch_withdrawals", -1)):
        for row in _rows(await reading.ask(name, None, since_ns // NS_PER_MS)):
            if at(row, "status") != "ok":
                continue
            amount, made = quantity(at(row, "amount")), moment_ns(at(row, "timestamp"))
            whole = None if amount is None else amount + (quantity(at(row, "fee.cost")) or ZERO)
            signed = amount if sign > 0 else None if whole is None else -whole
            change_id = f"{name.removeprefix('fetch_')}-{identity(at(row, 'id'))}"
            found.append(_change(change_id, row, at(row, "currency"), amount=signed, at_ns=made))
    return found


async def _untold(_reading: Reading) -> frozenset[str]:
    return frozenset()


_COMMON: Final = AccountWords(
    _common_balances, _common_fees, _nothing, _nothing, _common_changes, _untold
)
WORDS: Final[Mapping[str, AccountWords]] = {
    "binance": AccountWords(
        _binance_balances,
        _binance_fees,
        _binance_id,
        _binance_may_withdraw,
        _binance_changes,
        _binance_permissions,
    ),
    "okx": AccountWords(
        _okx_balances, _okx_fees, _okx_id, _okx_may_withdraw, _okx_changes, _untold
    ),
}


def words(venue: str) -> AccountWords:
    """The readings of a venue."""
    return WORDS.get(venue, _COMMON)
