"""A setting goes before a key of the file and is read as if it stood there; a grid is all of them."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from yaml.nodes import ScalarNode

from arb.errors import ConfigInvalid
from arb.limits import GRID_POINTS_MAX
from arb.strategy.grid import Grid, Settings, make_grid
from arb.strategy.loader import Loaded, load
from arb.strategy.settings import read_settings
from tests.strategy.conftest import MINIMAL

Loads = Callable[..., Loaded]
Refuses = Callable[..., str]


def texts(values: str) -> list[str]:
    found = []
    for setting in read_settings("fees.taker_bps", values):
        assert isinstance(setting.value, ScalarNode)
        found.append(str(setting.value.value))
    return found


def test_values_are_separated_by_commas() -> None:
    assert texts("1, 2.5,10") == ["1", "2.5", "10"]


def test_commas_in_brackets_braces_and_quotes_belong_to_a_value(loads: Loads) -> None:
    found = [
        loads(MINIMAL, settings=[one]).strategy.cycle
        for one in read_settings("cycle", "[USDT, BTC], [BTC, ETH, USDT]")
    ]
    assert found == [("USDT", "BTC"), ("BTC", "ETH", "USDT")]
    blocks = read_settings(
        "capital_allocation", "{mode: fixed_amount, amount: 5}, {mode: fixed_fraction, fraction: 1}"
    )
    modes = [loads(MINIMAL, settings=[one]).strategy.capital_allocation.mode for one in blocks]
    assert modes == ["fixed_amount", "fixed_fraction"]


@pytest.mark.parametrize("values", ["1]", "[1", "1], [2", '"1', "&a 1", "*a", "!!int 1", "1,,2"])
def test_what_is_no_list_of_values_is_refused(values: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"fees\.taker_bps"):
        read_settings("fees.taker_bps", values)


@pytest.mark.parametrize("key", ["", ".", "fees.", ".fees", "fees..taker_bps", "fees taker", "a:b"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ConfigInvalid, match="is not a key"):
        read_settings(key, "1")


def test_a_setting_is_the_same_as_the_key_in_the_file(loads: Loads) -> None:
    text = MINIMAL + "fees: {taker_bps: 7.5}\nexecution:\n  backtest: {latency_sim_ms: 20}\n"
    settings = [
        *read_settings("fees.taker_bps", "7.50"),
        *read_settings("execution.backtest.latency_sim_ms", "20"),
    ]
    assert loads(MINIMAL, settings=settings).canonical == loads(text).canonical


def test_a_setting_goes_before_the_file(loads: Loads) -> None:
    (setting,) = read_settings("min_profit_bps", "-3")
    assert loads(MINIMAL, settings=[setting]).strategy.min_profit_bps == -3


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("fees.takr_bps", "5", "unknown key `takr_bps`; did you mean `taker_bps`?"),
        ("taker_bps", "5", "unknown key `taker_bps`; did you mean `fees.taker_bps`?"),
        ("fees.taker_bps", "5000", "taker_bps must be at most 1000, was 5000"),
        ("fees.taker_bps", "lots", "taker_bps must be a number such as 0.25, was the text 'lots'"),
        ("fees.taker_bps", "''", "taker_bps must be a number such as 0.25, was the text ''"),
        ("order.type", "markt", "did you mean market?"),
        ("cycle", "5", "cycle must be a list such as [USDT, BTC, ETH], was the number 5"),
        ("exchange.sandbox", "true", "in the file `exchange` is a single value"),
        ("capital_allocation.fraction", "1", "fraction has no effect with mode fixed_amount"),
    ],
)
def test_a_setting_is_checked_like_the_file(
    refuses: Refuses, key: str, value: str, said: str
) -> None:
    message = refuses(MINIMAL, settings=read_settings(key, value))
    assert said in message
    assert message.startswith("demo.yaml"), message
    assert "\n" not in message, "no line of the file is to blame"


def test_a_secret_is_not_said_again(refuses: Refuses) -> None:
    assert "hunter2" not in refuses(MINIMAL, settings=read_settings("api_secret", "hunter2"))
    with pytest.raises(ConfigInvalid) as caught:
        read_settings("api_secret", "hunter2, [")
    assert "hunter2" not in str(caught.value)


# --- grids


@pytest.fixture
def grid(tmp_path: Path) -> Callable[..., Grid]:
    """Make a grid of the minimal strategy from texts `KEY=V,V`."""
    path = tmp_path / "demo.yaml"
    path.write_text(MINIMAL)

    def run(*sweeps: str, **flags: object) -> Grid:
        axes = [read_settings(*sweep.split("=", 1)) for sweep in sweeps]

        def at(settings: Settings) -> tuple[Loaded, ...]:
            return (load(path, settings=settings, **flags),)  # type: ignore[arg-type]

        return make_grid(axes, at)

    return run


def test_a_grid_is_every_combination_the_first_key_slowest(grid: Callable[..., Grid]) -> None:
    made = grid("min_profit_bps=1,2.50", "order.type=limit,market")
    assert [point.values for point in made.points] == [
        ("1", "limit"),
        ("1", "market"),
        ("2.5", "limit"),
        ("2.5", "market"),
    ]
    assert made.axes[0].numbers == (Decimal(1), Decimal("2.5"))
    assert made.axes[1].numbers == ()
    assert made.name(made.points[3]) == "min_profit_bps=2.5 order.type=market"
    (loaded,) = made.points[3].loaded
    assert (loaded.strategy.min_profit_bps, loaded.strategy.order.type) == (
        Decimal("2.5"),
        "market",
    )


def test_a_single_balance_can_be_swept(grid: Callable[..., Grid]) -> None:
    made = grid("execution.backtest.initial_balances.USDT=100,200")
    assert made.axes[0].numbers == (100, 200)


@pytest.mark.parametrize(
    ("sweeps", "said"),
    [
        (("min_profit_bps=1,1.0",), "of 2 values only 1 differs (1)"),
        (("name=a,b",), "name cannot be swept"),
        (("execution.mode=paper,backtest",), "execution.mode cannot be swept"),
        (("execution.paper.latency_sim_ms=1,2",), "cannot be swept: it has no effect"),
        (("min_profit_bps=1,2", "min_profit_bps=3"), "set the same value"),
        (("fees={taker_bps: 1}", "fees.taker_bps=3"), "set the same value"),
        (("min_profit_bps=1,20000",), "min_profit_bps must be at most 10000, was 20000"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_whole(
    grid: Callable[..., Grid], sweeps: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        grid(*sweeps)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("sweep", "flag"),
    [
        ("execution.backtest.random_seed=1,2", {"random_seed": 7}),
        ("execution.backtest.data_file=demo.yaml,other.yaml", {"data_file": "demo.yaml"}),
    ],
)
def test_a_key_that_a_flag_goes_before_is_refused(
    grid: Callable[..., Grid],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sweep: str,
    flag: dict[str, object],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.yaml").touch()
    with pytest.raises(ConfigInvalid, match="no flag that goes before it"):
        grid(sweep, mode="backtest", **flag)


def test_a_grid_has_a_bound(grid: Callable[..., Grid]) -> None:
    many = ",".join(map(str, range(GRID_POINTS_MAX + 1)))
    with pytest.raises(ConfigInvalid, match=f"{GRID_POINTS_MAX} are the most"):
        grid(f"min_profit_bps={many}")
