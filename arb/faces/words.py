"""Every fact of a cycle in words, for its story."""

from collections.abc import Sequence
from decimal import Decimal

from arb.events import facts as f
from arb.faces.text import amounts, result
from arb.machine.net import net_of
from arb.money import plain

_Closed = f.CycleCompleted | f.CycleLiquidated | f.CycleParked


def words(fact: f.Fact, path: Sequence[str] = ()) -> str:
    """What happened, in one sentence; a fact of no cycle is named by its type.

    By the cycle's path a result is told after the fees in other currencies too.
    """
    match fact:
        case f.OrderFact() | f.DiscrepancyFound():
            return _order_words(fact)
        case f.CycleFact():
            return _cycle_words(fact, path)
        case _:
            return type(fact).__name__


def _cycle_words(fact: f.CycleFact, path: Sequence[str]) -> str:
    match fact:
        case f.CycleOpened():
            path = " > ".join([*(leg.spend_asset for leg in fact.legs), fact.start_asset])
            start = f"{plain(fact.start_amount)} {fact.start_asset}"
            return f"opened with {start}: {path}, edge {plain(fact.edge_bps)} bps"
        case f.ValidationStarted():
            return "checks begin: books, size, limits, balance, exits"
        case f.CycleValidated():
            return (
                f"validated: {plain(fact.reserved)} reserved, {plain(fact.expected)} expected,"
                f" floor {plain(fact.floor)}"
            )
        case f.LegPartlyFilled():
            return f"leg {fact.leg + 1} filled in part: {_trade(fact.spent, fact.received)}"
        case f.LegSettled():
            left = f", {plain(fact.left)} left over" if fact.left else ""
            return f"leg {fact.leg + 1} settled: {_trade(fact.spent, fact.received)}{left}"
        case f.HopSettled():
            return f"unwind order settled: {_trade(fact.spent, fact.received)}"
        case f.CycleResumed() | f.LegResumed():
            sold = "no way to sell" if fact.liquidation is None else plain(fact.liquidation)
            return (
                f"goes on with leg {fact.leg + 1}: gives {plain(fact.output)},"
                f" floor {plain(fact.floor)}, selling out gives {sold}"
            )
        case f.LateFillFound():
            trade = f", trade {fact.trade_id}" if fact.trade_id else ""
            return f"reopened: late news of order {fact.client_order_id}{trade}"
        case f.OrderReappeared():
            return f"reopened: order {fact.client_order_id} exists after all"
        case _:
            return _reasoned_words(fact, path)


def _trade(spent: Decimal, received: Decimal) -> str:
    return f"{plain(spent)} spent, {plain(received)} received"


def _reasoned_words(fact: f.CycleFact, path: Sequence[str]) -> str:
    match fact:
        case f.CycleDeclined():
            return f"declined: {fact.reason}" + (f" ({fact.detail})" if fact.detail else "")
        case f.CycleAbandoned():
            return f"abandoned: {fact.reason}"
        case f.CycleRefused():
            return f"refused by the venue: {fact.reason}"
        case f.CycleMissed():
            return f"missed: {fact.reason}"
        case f.RecoveryStarted():
            return f"recovery begins: {fact.reason}"
        case f.RecoveryWaiting():
            return f"recovery waits: {fact.reason}"
        case f.UnwindStarted():
            gives = "" if fact.liquidation is None else f", worth {plain(fact.liquidation)}"
            return f"sells out to {' or '.join(fact.targets)}: {fact.reason}{gives}"
        case f.UnwindRequested():
            return f"reopened: an operator wants it sold ({fact.reason})"
        case f.HoldingsReleased():
            return f"an operator released {amounts(fact.released)} ({fact.reason})"
        case _:
            return _closing_words(fact, path)


def _closing_words(fact: f.CycleFact, path: Sequence[str]) -> str:
    match fact:
        case f.CycleCompleted():
            text = f"completed: {plain(fact.returned)} back, P/L {_result(fact, path)}"
        case f.CycleLiquidated():
            text = f"liquidated: {amounts(fact.returned)} back, P/L {_result(fact, path)}"
        case f.CycleParked():
            text = f"parked {amounts(fact.parked)}: {fact.reason}, P/L {_result(fact, path)}"
        case _:
            return type(fact).__name__
    dust = f", dust {amounts(fact.dust)}" if fact.dust else ""
    return f"{text}, fees {amounts(fact.fees)}{dust}"


def _result(fact: _Closed, path: Sequence[str]) -> str:
    if path:
        return result(net_of(fact.pnl, fact.fee_value, fact.fees, path, fact.dust), path[0])
    beside = "" if fact.fee_value == 0 else " before fees in other currencies"
    return f"{'+' if fact.pnl > 0 else ''}{plain(fact.pnl)}{beside}"


def _order_words(fact: f.OrderFact | f.DiscrepancyFound) -> str:
    match fact:
        case f.OrderIntended():
            return (
                f"order {fact.client_order_id} intended: {fact.purpose}, {fact.side}"
                f" {plain(fact.amount)} {fact.base} at {plain(fact.limit)} {fact.quote} or better"
            )
        case f.OrderAccepted():
            return f"order {fact.client_order_id} is at the venue as {fact.exchange_order_id}"
        case f.OrderFilled():
            fee = f", fee {plain(fact.fee)} {fact.fee_asset}" if fact.fee else ""
            verb = "bought" if fact.side == "buy" else "sold"
            return (
                f"{verb} {plain(fact.amount)} {fact.base} for {plain(fact.cost)} {fact.quote}{fee}"
                f" (trade {fact.trade_id})"
            )
        case f.OrderClosed():
            return f"order {fact.client_order_id} is {fact.status}, {plain(fact.filled)} filled"
        case f.OrderRefused():
            detail = f" ({fact.detail})" if fact.detail else ""
            return f"order {fact.client_order_id} was refused: {fact.reason}{detail}"
        case f.OrderUnknown():
            return f"order {fact.client_order_id} is UNKNOWN: {fact.reason}"
        case f.OrderAbsent():
            return f"order {fact.client_order_id} is proven absent: {fact.evidence}"
        case f.CancelIntended():
            return f"order {fact.client_order_id} is to be cancelled: {fact.reason}"
        case f.OrderAttested():
            return f"an operator attests order {fact.client_order_id} {fact.verdict}: {fact.reason}"
        case f.AttestedFillReversed():
            return (
                f"the venue tells of order {fact.client_order_id} itself: the attested"
                f" {plain(fact.amount)} {fact.base} for {plain(fact.cost)} {fact.quote} is taken back"
            )
        case f.DiscrepancyFound():
            return f"DISCREPANCY, {fact.kind}: {fact.subject} was {fact.was}, now {fact.now}"
        case _:
            return type(fact).__name__
