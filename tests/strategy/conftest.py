from collections.abc import Callable
from pathlib import Path

import pytest

from arb.errors import ConfigInvalid
from arb.strategy.loader import Loaded, load

MINIMAL = """\
name: demo
exchange: binance
cycle: [USDT, BTC, ETH]
min_profit_bps: 10
max_slippage_bps: 20
capital_allocation:
  mode: fixed_amount
  amount: 1000
"""


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Loaded]:
    """Load a text as demo.yaml, in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(text: str | bytes, **flags: object) -> Loaded:
        data = text if isinstance(text, bytes) else text.encode()
        Path("demo.yaml").write_bytes(data)
        return load("demo.yaml", **flags)

    return run


@pytest.fixture
def refuses(loads: Callable[..., Loaded]) -> Callable[..., str]:
    """Load a text that is wrong; gives the message."""

    def run(text: str | bytes, **flags: object) -> str:
        with pytest.raises(ConfigInvalid) as caught:
            loads(text, **flags)
        return str(caught.value)

    return run
