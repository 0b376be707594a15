"""States, limits, files and runs that are not as they should be."""

import json
from decimal import Decimal
from typing import Any

from arb.events.envelope import Head
from tests.simulation.judged import Judged, Row, more
from tests.simulation.spoiling import first, say, spoils

DAY_S = Decimal(86_400)

# --- states -----------------------------------------------------------------------------------


@spoils("not_at_rest")
def a_cycle_never_ends(judged: Judged) -> None:
    last = judged.rows("CycleCompleted")[-1]
    judged.without(last["position"])


@spoils("not_at_rest")
def an_order_is_still_open_at_the_venue(judged: Judged) -> None:
    def still_open(told: dict[str, Any]) -> None:
        next(one for one in told["orders"] if one["client_order_id"])["status"] = "open"

    judged.really(still_open)


@spoils("not_at_rest")
def an_order_never_ends(judged: Judged) -> None:
    judged.without(judged.rows("OrderClosed")[-1]["position"])


@spoils("illegal_move")
def a_cycle_moves_as_it_cannot(judged: Judged) -> None:
    judged.without(first(judged, "CycleValidated")["position"])


@spoils("illegal_move")
def a_cycle_is_reopened_that_is_not_over(judged: Judged) -> None:
    rows = judged.rows()
    late, early = first(judged, "LateFillFound"), first(judged, "LegSettled")
    rows.insert(early["position"], {**late, "stream": early["stream"]})
    judged.forge(rows)


@spoils("illegal_move")
def a_trade_is_of_an_order_that_was_never_accepted(judged: Judged) -> None:
    judged.without(first(judged, "OrderAccepted")["position"])


@spoils("illegal_move")
def a_cycle_that_has_traded_is_called_missed(judged: Judged) -> None:
    def missed(row: Row) -> None:
        row["type"] = "CycleMissed"
        row["data"] = {"type": "CycleMissed", "reason": "nothing filled"}

    judged.change(first(judged, "CycleCompleted")["position"], missed)


@spoils("illegal_move")
def a_cycle_goes_on_after_a_restart_as_if_nothing_had_happened(judged: Judged) -> None:
    rows = judged.rows()
    started = first(judged, "RunStarted")
    settled = first(judged, "LegSettled")
    rows.insert(settled["position"] - 1, {**started, "stream": "run-again", "command": None})
    judged.forge(rows)


@spoils("exposure")
def a_closed_cycle_has_something_in_its_hands(judged: Judged) -> None:
    judged.without(first(judged, "LateFillFound")["position"])


# --- the gate ---------------------------------------------------------------------------------


@spoils("reservation")
def a_cycle_reserves_less_than_it_begins_with(judged: Judged) -> None:
    say(judged, first(judged, "CycleValidated"), reserved="1")


@spoils("reservation")
def more_is_reserved_than_there_is(judged: Judged) -> None:
    opened = first(judged, "CycleOpened")
    rows = judged.rows()
    rows[opened["position"] - 1]["data"]["start_amount"] = "1000000"
    valid = first(judged, "CycleValidated")
    rows[valid["position"] - 1]["data"]["reserved"] = "1000000"
    judged.forge(rows)


@spoils("reservation")
def an_order_spends_what_the_cycle_does_not_have(judged: Judged) -> None:
    order = first(judged, "OrderIntended", side="sell")
    say(judged, order, amount=more(order["data"]["amount"]) + "1000")


def _before_an_opening(judged: Judged, kind: str, /, **data: object) -> None:
    """Put an account's fact right before the last cycle opens."""
    opened = judged.rows("CycleOpened")[-1]
    account = first(judged, "AccountOpened")
    rows = judged.rows()
    fact = {**account, "type": kind, "at_ns": opened["at_ns"], "data": {"type": kind, **data}}
    rows.insert(opened["position"] - 1, fact)
    judged.forge(rows)


@spoils("limits")
def a_cycle_opens_behind_a_tripped_limit(judged: Judged) -> None:
    what = {"strategy": "demo", "limit": "daily_loss", "reason": "x", "cycle_id": "demo-1"}
    _before_an_opening(judged, "RiskTripped", **what)


@spoils("limits")
def a_cycle_opens_while_everything_is_halted(judged: Judged) -> None:
    _before_an_opening(judged, "EngineHalted", reason="x", scope="all")


@spoils("limits")
def a_cycle_opens_while_a_currency_of_it_is_halted(judged: Judged) -> None:
    _before_an_opening(judged, "EngineHalted", reason="x", scope="BTC")


@spoils("limits")
def a_cycle_opens_while_new_ones_are_paused(judged: Judged) -> None:
    _before_an_opening(judged, "NewCyclesPaused", reason="x")


@spoils("limits")
def a_cycle_opens_while_the_breaker_rests(judged: Judged) -> None:
    until_ns = judged.rows("CycleOpened")[-1]["at_ns"] + 1
    _before_an_opening(judged, "BreakerTripped", kind="unknowns", count=9, until_ns=until_ns)


@spoils("limits")
def a_cycle_opens_while_its_path_cools_down(judged: Judged) -> None:
    _rest(judged, DAY_S)


@spoils("limits")
def a_path_rests_for_less_than_its_strategy_says(judged: Judged) -> None:
    _rest(judged, Decimal(-1))


@spoils("limits")
def a_path_that_fails_again_does_not_rest_for_twice_as_long(judged: Judged) -> None:
    for cycle_id in ("demo-1", "demo-2"):
        _rest(judged, Decimal("0.000000001"), cycle_id)


def _rest(judged: Judged, seconds: Decimal, cycle_id: str = "demo-1") -> None:
    """Let a path rest right before the last cycle opens."""
    _with_risk(judged, slippage_cooldown_seconds=str(max(seconds, Decimal(0))))
    until_ns = judged.rows("CycleOpened")[-1]["at_ns"] + int(seconds * 10**9)
    path = {"strategy": "demo", "identity": "BTC>ETH>USDT", "until_ns": until_ns}
    _before_an_opening(judged, "CooldownStarted", **path, cause="nothing", cycle_id=cycle_id)


def _with_risk(judged: Judged, **limits: object) -> None:
    """Let the strategy have had other limits all the time."""
    rows = judged.rows()
    for row in rows:
        if row["type"] == "StrategyLoaded":
            text = json.loads(row["data"]["text"])
            text["risk_controls"].update(limits)
            row["data"]["text"] = json.dumps(text)
    judged.forge(rows)


@spoils("limits")
def too_many_cycles_are_open(judged: Judged) -> None:
    _with_risk(judged, max_open_cycles=0)


@spoils("limits")
def a_cycle_is_larger_than_allowed(judged: Judged) -> None:
    _with_risk(judged, max_position_size="999")


@spoils("limits")
def a_loss_does_not_trip_the_limit_of_losses(judged: Judged) -> None:
    _with_risk(judged, stop_after_consecutive_losses=1)


@spoils("limits")
def a_loss_does_not_trip_the_limit_of_a_day(judged: Judged) -> None:
    _with_risk(judged, max_daily_loss="0.01")


@spoils("limits")
def an_order_accepts_a_price_beyond_its_bound(judged: Judged) -> None:
    order = first(judged, "OrderIntended", side="sell")
    say(judged, order, limit=str(Decimal(order["data"]["best"]) / 2))


@spoils("limits")
def an_order_is_worth_more_than_the_cap(judged: Judged) -> None:
    rows = judged.rows()
    opened = first(judged, "CycleOpened")
    rows[opened["position"] - 1]["data"]["start_amount"] = "500"
    judged.forge(rows)


@spoils("limits")
def too_many_orders_leave_within_a_second(judged: Judged) -> None:
    """A trade's worth of cycles, each with its order, all in one instant."""
    rows = judged.rows()
    opened = rows[first(judged, "CycleOpened")["position"] - 1 :][:4]
    assert [row["type"] for row in opened][-1] == "OrderIntended"
    for number in range(1_000, 1_051):
        for row in opened:
            told = json.loads(json.dumps(row["data"]).replace("demo-1", f"demo-{number}"))
            if "client_order_id" in told:
                told["client_order_id"] = f"x{number}"
            rows.append({**row, "stream": f"cycle-demo-{number}", "command": None, "data": told})
    judged.forge(rows)


# --- the file ---------------------------------------------------------------------------------


@spoils("lost_acknowledged")
def an_acknowledged_event_is_gone(judged: Judged) -> None:
    judged.really(lambda told: told["acknowledged"].append([10**6, "00" * 32]))


@spoils("lost_acknowledged")
def an_acknowledged_event_is_another_one(judged: Judged) -> None:
    def another(told: dict[str, Any]) -> None:
        told["acknowledged"][5][1] = "00" * 32

    judged.really(another)


@spoils("chain")
def a_row_was_changed_by_hand(judged: Judged) -> None:
    judged.sql("UPDATE events SET at_ns = at_ns + 1 WHERE position = 20")


@spoils("chain")
def a_row_is_missing(judged: Judged) -> None:
    judged.sql("DELETE FROM events WHERE position = 20")


@spoils("chain")
def a_version_is_skipped(judged: Judged) -> None:
    judged.sql("UPDATE events SET version = version + 100 WHERE position = 20")


@spoils("chain")
def an_amount_is_a_float(judged: Judged) -> None:
    say(judged, first(judged, "OrderFilled"), fee=0.1)


@spoils("chain")
def a_number_of_json_stands_for_an_amount(judged: Judged) -> None:
    say(judged, first(judged, "OrderFilled"), fee=1)


@spoils("chain")
def the_file_is_no_log(judged: Judged) -> None:
    judged.db.write_bytes(b"not a log at all" * 1_000)


@spoils("witness")
def the_witness_is_gone(judged: Judged) -> None:
    judged.db.with_name("log.db.witness").unlink()


@spoils("witness")
def the_witness_is_behind(judged: Judged) -> None:
    judged.swear(Head(20, bytes(32)))


@spoils("witness")
def the_witness_swears_to_another_event(judged: Judged) -> None:
    judged.swear(Head(len(judged.rows()), bytes(32)))


@spoils("projections")
def a_cycle_shows_another_state(judged: Judged) -> None:
    judged.sql("UPDATE cycles SET state = 'failed' WHERE id = 'demo-1'")


@spoils("projections")
def an_order_shows_more_than_was_filled(judged: Judged) -> None:
    judged.sql("UPDATE orders SET filled = '7' WHERE rowid = 1")


@spoils("projections")
def the_ledger_lacks_a_line(judged: Judged) -> None:
    judged.sql("DELETE FROM ledger WHERE rowid = 3")


@spoils("projections")
def a_table_is_gone(judged: Judged) -> None:
    judged.sql("DROP TABLE ledger")


# --- the run ----------------------------------------------------------------------------------


@spoils("unbounded")
def it_took_too_long(judged: Judged) -> None:
    judged.really(lambda told: told.update(virtual_s=3))


@spoils("liveness")
def the_last_run_trades_nothing(judged: Judged) -> None:
    rows = judged.rows()
    started = first(judged, "RunStarted")
    rows.append({**started, "stream": "run-later", "command": None})
    judged.forge(rows)
