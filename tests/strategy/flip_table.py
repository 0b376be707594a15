"""Which tests flip a key of the schema and see that a run goes another way."""

from typing import Final

from tests.execution.test_flip_faults import STORIES

PATHS: Final = "tests/execution/test_flip_paths.py::"
CAPITAL: Final = "tests/execution/test_flip_capital.py::"
ORDERS: Final = "tests/execution/test_flip_orders.py::"
UNWINDING: Final = "tests/execution/test_flip_unwinding.py::"
BREAKER: Final = "tests/execution/test_flip_breaker.py::"
ACCOUNTS: Final = "tests/execution/test_flip_accounts.py::"
FRICTIONS: Final = "tests/execution/test_flip_frictions.py::"
FAULTS: Final = "tests/execution/test_flip_faults.py::"
FEEDS: Final = "tests/execution/test_flip_feeds.py::"
BACKTEST: Final = "tests/acceptance/test_flip_backtest.py::"
GUARDS: Final = "tests/execution/test_guards.py::"
COOLING: Final = "tests/execution/test_cooling.py::"
SHARING: Final = "tests/execution/test_sharing.py::"
DISCOVERY: Final = "tests/execution/test_discovery.py::"
LIGHTNING: Final = "tests/execution/test_lightning.py::"
HANDING_OVER: Final = "tests/execution/test_handing_over.py::"
OPERATOR: Final = "tests/execution/test_operator.py::"
SPEAKER: Final = "tests/exchange/test_speaker.py::"
RULES: Final = "tests/strategy/test_rules.py::"

_FRICTIONS: Final[dict[str, tuple[str, ...]]] = {
    "latency_sim_ms": (FRICTIONS + "test_an_order_is_executed_halfway_through_its_latency",),
    "fill_ratio": (FRICTIONS + "test_a_level_is_whole_as_often_as_the_fill_ratio_says",),
    "spread_padding_bps": (FRICTIONS + "test_a_padded_spread_costs_that_much",),
    "slippage_model.base_bps": (
        FRICTIONS + "test_a_book_has_moved_on_by_the_base_of_the_slippage_model",
    ),
    "slippage_model.random_bps": (
        FRICTIONS + "test_the_random_part_of_the_slippage_model_is_both_ways_and_bounded",
    ),
    "market_impact.bps_per_1000": (
        FRICTIONS + "test_an_order_of_5000_costs_five_times_the_impact_of_1000",
    ),
    "market_impact.max_bps": (FRICTIONS + "test_the_impact_of_an_order_is_bounded",),
    "data_file": (FEEDS + "test_the_recording_that_is_named_is_played",),
    "random_seed": (FRICTIONS + "test_another_random_seed_is_another_chance",),
    "initial_balances": (ACCOUNTS + "test_an_account_begins_with_its_initial_balances",),
}
FLIPS: Final[dict[str, tuple[str, ...]]] = {
    "name": (PATHS + "test_the_name_of_a_strategy_is_in_the_ids_of_its_cycles",),
    "exchange.id": (SPEAKER + "test_the_id_names_the_class",),
    "exchange.sandbox": (SPEAKER + "test_sandbox_goes_to_the_venues_own_sandbox",),
    "exchange.connect_to": (
        SPEAKER + "test_connect_to_is_where_a_request_goes_and_the_venues_name_is_what_it_asks_for",
    ),
    "exchange.ca_file": (
        SPEAKER + "test_a_ca_file_that_is_missing_is_named_before_anything_is_asked",
    ),
    "exchange.options": (SPEAKER + "test_options_are_set_and_none_of_ours_is_touched",),
    "exchange.dialect": (SPEAKER + "test_dialect_practice_is_the_short_window",),
    "cycle": (PATHS + "test_a_cycle_is_traded_as_it_is_written",),
    "trading_pairs_file": (
        DISCOVERY + "test_the_threshold_and_fee_of_a_row_decide_what_is_traded",
        DISCOVERY + "test_rows_of_a_file_keep_their_start_fee_and_threshold",
    ),
    "max_hops": (DISCOVERY + "test_without_a_path_every_cycle_of_the_markets_is_wanted",),
    "start_currencies": (
        DISCOVERY + "test_start_currencies_leave_out_cycles_that_touch_none_of_them",
        DISCOVERY + "test_a_cycle_begins_with_the_first_start_currency_then_with_base_currencies",
    ),
    "lightning.enabled": (
        LIGHTNING + "test_lightning_looks_for_its_own_cycles_where_it_is_enabled",
    ),
    "lightning.max_hops": (
        LIGHTNING + "test_lightning_looks_for_its_own_cycles_where_it_is_enabled",
        LIGHTNING + "test_a_file_of_cycles_restricts_lightning_to_its_rows",
    ),
    "lightning.start_currencies": (
        LIGHTNING + "test_lightning_begins_with_its_start_currencies_alone",
        LIGHTNING + "test_a_file_of_cycles_restricts_lightning_to_its_rows",
    ),
    "lightning.top": (LIGHTNING + "test_at_one_moment_the_best_are_sized_up_to_the_top",),
    "reference_currency": (
        HANDING_OVER + "test_what_begins_with_other_currencies_is_ranked_in_the_reference_currency",
        PATHS + "test_amounts_are_in_the_reference_currency_at_the_books_of_the_moment",
    ),
    "min_profit_bps": (PATHS + "test_a_cycle_opens_only_above_its_threshold",),
    "max_slippage_bps": (
        PATHS + "test_no_order_goes_further_from_the_touch_than_the_slippage_that_is_allowed",
    ),
    "max_leg_latency_ms": (
        COOLING + "test_a_slow_leg_is_compared_with_liquidating_before_the_next_order",
        COOLING + "test_a_leg_within_its_limit_goes_on",
    ),
    "capital_allocation.mode": (
        CAPITAL + "test_the_mode_says_whether_the_account_decides_how_much",
        RULES + "test_a_mode_needs_its_own_number",
    ),
    "capital_allocation.amount": (CAPITAL + "test_a_fixed_amount_is_what_a_cycle_begins_with",),
    "capital_allocation.fraction": (CAPITAL + "test_a_fraction_is_of_what_the_account_has",),
    "capital_allocation.max_allocation": (
        GUARDS + "test_open_cycles_never_hold_more_than_their_allocation",
    ),
    "capital_allocation.max_depth_share": (
        CAPITAL + "test_an_order_takes_no_more_than_its_share_of_a_level",
    ),
    "fees.taker_bps": (ACCOUNTS + "test_who_takes_pays_the_takers_fee",),
    "fees.maker_bps": (ACCOUNTS + "test_who_rests_pays_the_makers_fee",),
    "fees.fee_currency": (ACCOUNTS + "test_fees_are_taken_from_a_fee_currency_where_there_is_one",),
    "fees.reserve": (GUARDS + "test_no_cycle_opens_below_the_fee_reserve",),
    "risk_controls.max_open_cycles": (SHARING + "test_no_more_cycles_are_open_than_allowed",),
    "risk_controls.stop_after_consecutive_losses": (
        GUARDS + "test_losses_in_a_row_stop_the_run_and_every_later_one",
        GUARDS + "test_limits_are_those_that_are_set_now",
    ),
    "risk_controls.max_daily_loss": (
        GUARDS + "test_a_days_loss_stops_the_run_and_the_next_day_does_not_lift_it",
    ),
    "risk_controls.max_position_size": (GUARDS + "test_the_largest_position_caps_a_fraction",),
    "risk_controls.slippage_cooldown_seconds": (COOLING + "test_a_cooldown_of_no_seconds_is_none",),
    "risk_controls.duplicate_suppression_window_seconds": (
        GUARDS + "test_a_path_is_not_opened_twice_within_the_window_also_by_another_run",
    ),
    "risk_controls.breaker.max_unknowns": (
        BREAKER + "test_as_many_anomalies_as_allowed_pause_new_cycles",
    ),
    "risk_controls.breaker.max_refusals": (
        BREAKER + "test_as_many_anomalies_as_allowed_pause_new_cycles",
    ),
    "risk_controls.breaker.window_seconds": (
        BREAKER + "test_anomalies_count_together_only_within_the_window",
    ),
    "risk_controls.breaker.cooldown_seconds": (
        BREAKER + "test_new_cycles_wait_for_the_breakers_cooldown",
    ),
    "order.type": (
        ORDERS + "test_a_market_order_goes_to_the_bound_and_a_limit_order_to_the_level_it_needs",
    ),
    "order.allow_partial_fills": (
        ORDERS
        + "test_without_partial_fills_a_first_leg_that_finds_less_than_it_wants_takes_nothing",
    ),
    "order.max_retries": (
        ORDERS + "test_a_leg_that_is_refused_is_planned_anew_as_often_as_allowed",
    ),
    "order.retry_delay_ms": (
        ORDERS + "test_a_leg_is_tried_again_after_its_delay_and_then_after_twice_that",
    ),
    "order.timeout_seconds": (
        ORDERS + "test_an_order_that_stays_open_is_cancelled_after_its_timeout",
    ),
    "panic_sell.enabled": (
        UNWINDING + "test_holdings_are_sold_by_themselves_only_where_panic_sell_is_enabled",
        OPERATOR + "test_panic_sells_also_where_selling_by_itself_is_not_allowed",
    ),
    "panic_sell.base_currencies": (
        UNWINDING + "test_holdings_go_to_a_base_currency_that_pays_best_or_back_to_the_start",
    ),
    "panic_sell.max_slippage_bps": (
        UNWINDING + "test_holdings_are_sold_no_further_from_the_touch_than_allowed",
    ),
    "panic_sell.max_hops": (UNWINDING + "test_a_way_out_has_no_more_hops_than_allowed",),
    "execution.mode": (
        BACKTEST + "test_the_mode_is_that_of_the_log_and_of_the_market",
        BACKTEST + "test_a_live_mode_in_the_file_asks_for_keys",
    ),
    **{
        f"execution.{mode}.{key}": tests
        for mode in ("paper", "backtest")
        for key, tests in _FRICTIONS.items()
    },
    "execution.paper.feed": (FEEDS + "test_a_paper_market_is_made_up_or_recorded",),
    "execution.paper.currencies": (
        FEEDS + "test_a_generated_market_has_as_many_currencies_as_it_is_told",
    ),
    "execution.paper.random_seed": (
        FEEDS + "test_another_random_seed_makes_another_market",
        *_FRICTIONS["random_seed"],
    ),
    "execution.paper.step_ms": (FEEDS + "test_a_generated_market_has_new_books_with_every_step",),
    **{
        f"execution.paper.faults.{fault}": (
            FAULTS + "test_a_fault_that_always_strikes_does_what_its_name_says",
        )
        for fault in STORIES
    },
    "execution.backtest.data_file": (
        BACKTEST + "test_a_backtest_plays_the_file_that_it_names",
        *_FRICTIONS["data_file"],
    ),
    "execution.backtest.markets_file": (
        BACKTEST + "test_the_filters_of_a_markets_file_are_those_of_the_venue",
    ),
    "execution.backtest.assumed_depth": (
        BACKTEST + "test_a_recording_without_sizes_is_traded_up_to_an_assumed_depth",
    ),
    "execution.backtest.start_time": (BACKTEST + "test_a_backtest_begins_at_its_start_time",),
    "execution.backtest.end_time": (BACKTEST + "test_a_backtest_ends_before_its_end_time",),
    "execution.backtest.random_seed": (
        BACKTEST + "test_the_seed_of_a_backtest_makes_its_order_ids",
        *_FRICTIONS["random_seed"],
    ),
}
