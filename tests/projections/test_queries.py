"""Questions to the tables."""

from pathlib import Path
from random import Random

import pytest

from arb.errors import WrongLog
from arb.events import facts as f
from arb.events.sqlite import LogReader
from arb.events.sqlite.connections import close, writer
from arb.ids import strategy_stream
from arb.projections import queries
from arb.projections.fold import fold
from arb.projections.queries import NoSuchCycle
from arb.projections.replay import find_cycle, fold_cycle, steps
from arb.projections.snapshots import decode_cycle, encode_cycle
from tests.spec import histories as h
from tests.spec.written import write_log


def test_an_open_cycle_loads_as_its_events_fold(db: Path) -> None:
    with LogReader(db) as reader:
        loaded = queries.load_open_cycles(reader.connection)
        assert loaded
        assert loaded == [fold_cycle(reader, cycle.id) for cycle in loaded]


@pytest.mark.parametrize("tale", h.TALES, ids=lambda tale: tale.__name__)
def test_a_cycle_is_the_same_after_a_round_through_its_text(tale: h.Tale) -> None:
    author = h.write(tale, 7, Random(7))
    cycle = author.now
    again = decode_cycle(encode_cycle(cycle), {})
    assert again == cycle
    assert again.orders == cycle.orders
    assert encode_cycle(again) == encode_cycle(cycle)


def test_an_exact_id_wins_over_longer_ones_that_begin_with_it(db: Path) -> None:
    with LogReader(db) as reader:
        assert queries.resolve_prefix(reader.connection, "demo-2") == "demo-2"
        assert find_cycle(reader, "demo-2") == "demo-2"


def test_a_unique_beginning_is_enough(db: Path) -> None:
    with LogReader(db) as reader:
        assert queries.resolve_prefix(reader.connection, "other one-7") == "other one-7"
        assert queries.resolve_prefix(reader.connection, "demo-42") == find_cycle(reader, "demo-42")


@pytest.mark.parametrize("text", ["demo", "d", ""])
def test_an_ambiguous_beginning_names_some_candidates(db: Path, text: str) -> None:
    with LogReader(db) as reader:
        for find in (
            lambda: queries.resolve_prefix(reader.connection, text),
            lambda: find_cycle(reader, text),
        ):
            with pytest.raises(NoSuchCycle) as caught:
                find()
            assert text == "" or str(caught.value).count("demo-") == queries.NAMED_MAX


@pytest.mark.parametrize("text", ["nothing", "demo-999", "%", "_"])
def test_what_is_not_there_is_said_so(db: Path, text: str) -> None:
    with LogReader(db) as reader, pytest.raises(NoSuchCycle, match="no cycle begins with"):
        queries.resolve_prefix(reader.connection, text)


def test_orders_of_a_cycle_come_in_their_order(db: Path) -> None:
    with LogReader(db) as reader:
        orders = queries.orders_of(reader.connection, "demo-2")
        assert [order.number for order in orders] == [1, 2, 3, 4]
        first = orders[0].client_order_id
        assert queries.cycle_of_order(reader.connection, first) == "demo-2"
        assert queries.cycle_of_order(reader.connection, "x" * 18) is None
        folded = fold_cycle(reader, "demo-2").orders
        assert [order.filled for order in orders] == [order.filled for order in folded]


def test_known_trades_are_those_the_venue_dated_since(db: Path) -> None:
    with LogReader(db) as reader:
        fills = [one.fact for one in reader.read() if isinstance(one.fact, f.OrderFilled)]
        assert queries.known_trades(reader.connection, 0) == {
            (one.market, one.trade_id) for one in fills
        }
        assert queries.known_trades(reader.connection, h.START_NS + 1) == set()


def test_final_orders_are_found_by_when_they_ended(db: Path) -> None:
    with LogReader(db) as reader:
        every = queries.orders_final_since(reader.connection, 0)
        middle = every[len(every) // 2].final_ns
        assert middle is not None
        late = queries.orders_final_since(reader.connection, middle)
    assert [one for one in every if one.final_ns is not None and one.final_ns >= middle] == late
    assert {one.status for one in every} == {"settled", "refused", "absent"}


def test_a_configuration_is_found_by_its_hash(db: Path) -> None:
    with LogReader(db) as reader:
        assert queries.strategy_text(reader.connection, f"{h.CONFIG[:-1]}0") == "{}"
        assert queries.strategy_text(reader.connection, "f" * 64) is None


def test_history_is_the_newest_first_and_as_long_as_asked(db: Path) -> None:
    with LogReader(db) as reader:
        whole = queries.history(reader.connection, 1_000)
        assert [view.id for view in queries.history(reader.connection, 5)] == [
            view.id for view in whole[:5]
        ]
        began = [float(view.columns["start_time"] or 0) for view in whole]
    assert began == sorted(began, reverse=True)


def test_hidden_cycles_leave_the_history_but_not_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    batches = h.history(1, 28)
    hidden = h.Batch(strategy_stream("all"), (f.CyclesHidden(before_ns=h.START_NS * 2),))
    write_log(path, [*batches, hidden])
    with LogReader(path) as reader:
        left = queries.history(reader.connection, 1_000)
        assert all(view.columns["end_time"] is None or view.metadata.parked for view in left)
        assert {view.state for view in left if view.metadata.parked} == {"failed"}
        assert len(queries.history(reader.connection, 1_000, hidden=True)) == 28


def test_parked_cycles_are_named_until_they_are_released(db: Path) -> None:
    with LogReader(db) as reader:
        found = {view.id for view in queries.parked(reader.connection)}
        proven = {
            view.id
            for view in queries.history(reader.connection, 1_000)
            if fold_cycle(reader, view.id).parked
        }
    assert found
    assert found == proven


def test_a_cycle_folds_to_any_of_its_versions(db: Path) -> None:
    with LogReader(db) as reader:
        events = list(reader.read_stream("cycle-demo-2"))
        states = [step.cycle.state for step in steps(reader, "demo-2")]
        for version, state in enumerate(states, 1):
            assert fold_cycle(reader, "demo-2", version).state == state
            assert fold_cycle(reader, "demo-2", version) == fold(events[:version])
        with pytest.raises(NoSuchCycle, match="none of version 999"):
            fold_cycle(reader, "demo-2", 999)


def test_tables_of_other_code_are_not_read(db: Path) -> None:
    connection = writer(db)
    connection.execute("UPDATE projection_codes SET code = 'newer' WHERE name = 'cycles'")
    close(connection)
    with LogReader(db) as reader, pytest.raises(WrongLog, match="--rebuild"):
        queries.check(reader.connection)
