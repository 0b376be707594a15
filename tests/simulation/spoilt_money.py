"""Orders and money that are not what the log says."""

from decimal import Decimal
from typing import Any

from tests.simulation.judged import Judged, more
from tests.simulation.spoiling import first, say, spoils

# --- orders -----------------------------------------------------------------------------------


@spoils("sent_twice")
def a_request_reached_the_venue_twice(judged: Judged) -> None:
    judged.really(lambda told: told["creates"].append(told["creates"][0]))


@spoils("sent_twice")
def the_venue_has_two_orders_of_one_id(judged: Judged) -> None:
    def twice(told: dict[str, Any]) -> None:
        told["orders"].append({**told["orders"][0], "order_id": "o999", "filled": "0"})

    judged.really(twice)


@spoils("sent_twice")
def an_id_is_intended_twice(judged: Judged) -> None:
    one, two = judged.rows("OrderIntended")[:2]
    say(judged, two, client_order_id=one["data"]["client_order_id"])


@spoils("forgotten_order")
def an_order_was_sent_that_was_never_intended(judged: Judged) -> None:
    wanted = judged.rows("OrderIntended")[-1]["data"]["client_order_id"]
    kept = [row for row in judged.rows() if row["data"].get("client_order_id") != wanted]
    judged.forge(kept)


@spoils("forgotten_order")
def the_venue_filled_more_of_an_order_than_the_log_says(judged: Judged) -> None:
    def filled(told: dict[str, Any]) -> None:
        ours = next(one for one in told["orders"] if one["client_order_id"])
        ours["filled"] = more(ours["filled"])

    judged.really(filled)


@spoils("forgotten_order")
def an_order_is_accepted_that_the_venue_never_had(judged: Judged) -> None:
    absent = first(judged, "OrderAbsent")["data"]["client_order_id"]
    rows = judged.rows()
    at = next(at for at, row in enumerate(rows) if row["type"] == "OrderAbsent")
    accepted = first(judged, "OrderAccepted")
    told = {**accepted["data"], "client_order_id": absent, "exchange_order_id": "o77"}
    rows.insert(at + 1, {**accepted, "stream": rows[at]["stream"], "data": told})
    judged.forge(rows)


@spoils("forgotten_order")
def there_is_no_log_and_orders_were_sent(judged: Judged) -> None:
    judged.db.unlink()


@spoils("unproven")
def absence_is_declared_before_its_time(judged: Judged) -> None:
    say(judged, first(judged, "OrderAbsent"), venue_time_ns=1)


@spoils("unproven")
def absence_is_declared_after_one_look(judged: Judged) -> None:
    say(judged, first(judged, "OrderAbsent"), not_found=1)


@spoils("unproven")
def an_order_is_intended_while_another_one_is_not_proven(judged: Judged) -> None:
    unknown = first(judged, "OrderUnknown")
    rows = judged.rows()
    later = next(
        row
        for row in rows[unknown["position"] :]
        if row["type"] == "OrderIntended" and row["stream"] == unknown["stream"]
    )
    rows.remove(later)
    rows.insert(unknown["position"], later)
    judged.forge(rows)


@spoils("unproven")
def an_order_is_called_refused_that_the_venue_had(judged: Judged) -> None:
    rows = judged.rows()
    at = next(at for at, row in enumerate(rows) if row["type"] == "OrderAccepted")
    one = rows[at]
    name = one["data"]["client_order_id"]
    refused = {"type": "OrderRefused", "client_order_id": name, "reason": "x", "detail": "x"}
    rows.insert(at, {**one, "type": "OrderRefused", "data": refused, "command": None})
    judged.forge(rows)


@spoils("unproven")
def an_order_is_called_absent_that_the_venue_had(judged: Judged) -> None:
    absent = first(judged, "OrderAbsent")["data"]["client_order_id"]

    def had(told: dict[str, Any]) -> None:
        one = next(one for one in told["orders"] if one["client_order_id"])
        told["orders"].append({**one, "client_order_id": absent, "filled": "0"})

    judged.really(had)


@spoils("unproven")
def an_order_is_called_not_sent_that_reached_the_venue(judged: Judged) -> None:
    absent = first(judged, "OrderAbsent")
    name = absent["data"]["client_order_id"]
    words = {"type": "OrderRefused", "client_order_id": name, "reason": "not sent", "detail": "x"}
    judged.change(
        absent["position"], lambda row: row.update(type="OrderRefused", shape=1, data=words)
    )
    judged.really(lambda told: told["creates"].append({"client_order_id": name, "at_ns": 1}))


# --- money ------------------------------------------------------------------------------------


@spoils("conservation")
def the_venue_holds_one_unit_more(judged: Judged) -> None:
    def richer(told: dict[str, Any]) -> None:
        told["balances"]["BTC"]["free"] = more(told["balances"]["BTC"]["free"])
        told["opening"]["BTC"] = more(told["opening"]["BTC"])  # its own account adds up

    judged.really(richer)


@spoils("conservation")
def the_venues_own_account_does_not_add_up(judged: Judged) -> None:
    judged.really(lambda told: told["opening"].update(USDT="10001"))


@spoils("conservation")
def a_deposit_is_left_out(judged: Judged) -> None:
    judged.without(first(judged, "ExternalChangeFound", source="venue")["position"])


@spoils("money_words")
def a_trade_is_booked_twice(judged: Judged) -> None:
    rows = judged.rows()
    trade = first(judged, "OrderFilled")
    rows.insert(trade["position"], trade)
    judged.forge(rows)


@spoils("money_words")
def a_deposit_is_recorded_twice(judged: Judged) -> None:
    rows = judged.rows()
    change = first(judged, "ExternalChangeFound", source="venue")
    rows.insert(change["position"], change)
    judged.forge(rows)


@spoils("money_words")
def a_wrong_trade_balances_itself_by_an_unexplained_difference(judged: Judged) -> None:
    trade = first(judged, "OrderFilled", side="buy")
    silent = first(judged, "ExternalChangeFound", source="unexplained")
    rows = judged.rows()
    rows[trade["position"] - 1]["data"]["amount"] = more(trade["data"]["amount"])
    excused = {**silent["data"], "asset": trade["data"]["base"], "amount": "-0.00000001"}
    rows.insert(silent["position"], {**silent, "data": excused})
    judged.forge(rows)


@spoils("money_words")
def the_trade_of_another_client_is_not_noted(judged: Judged) -> None:
    judged.without(first(judged, "ForeignTradeSeen")["position"])


@spoils("money_words")
def a_trade_is_said_to_be_another_clients_that_nobody_made(judged: Judged) -> None:
    say(judged, first(judged, "ForeignTradeSeen"), trade_id="t4711")


@spoils("exposure")
def dust_is_forgotten(judged: Judged) -> None:
    ended = next(row for row in judged.rows("CycleCompleted") if row["data"]["dust"])
    say(judged, ended, dust={})


@spoils("exposure")
def a_leg_leaves_less_than_it_says(judged: Judged) -> None:
    settled = first(judged, "LegSettled")
    say(judged, settled, left=more(settled["data"]["left"]))


@spoils("exposure")
def a_cycle_gives_back_more_than_it_has(judged: Judged) -> None:
    ended = first(judged, "CycleCompleted")
    say(judged, ended, returned=more(ended["data"]["returned"]))


@spoils("profit")
def a_profit_is_too_good(judged: Judged) -> None:
    ended = first(judged, "CycleCompleted")
    say(judged, ended, pnl=more(ended["data"]["pnl"]))


@spoils("profit")
def fees_are_left_out_at_the_end(judged: Judged) -> None:
    say(judged, first(judged, "CycleLiquidated"), fees={})


@spoils("profit")
def a_fee_that_was_taken_from_a_trade_is_told_beside_the_result(judged: Judged) -> None:
    ended = next(
        row for row in judged.rows("CycleCompleted") if Decimal(row["data"]["fee_value"]) == 0
    )
    say(judged, ended, fee_value="0.5")


@spoils("oversold")
def balances_had_shown_what_was_sold_twice(judged: Judged) -> None:
    """The late fill of the run: what it sold was sold again, and its venue had held it back in the balances."""
    judged.really(lambda told: told.update(candid=True))
