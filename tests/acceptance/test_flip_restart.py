"""Keys of a paper account that is there already: what cannot take effect any more is said, not ignored."""

from pathlib import Path

from tests.spec.command_line import invoke
from tests.spec.flipped import written

NOTE = "balances: this paper account began with 10 BTC, 500 USDT; other `initial_balances`"


def test_balances_that_come_too_late_for_an_account_are_told(folder: Path) -> None:
    said = []
    for balances in ("{USDT: 500, BTC: 10}", "{BTC: 10, USDT: 500, ETH: 0}", "{USDT: 900}"):
        path = written(folder, {"execution.paper.initial_balances": balances})
        done = invoke("--strategy", path, "--db", folder / "log.db", "--cycles", "0")
        assert done.code == 0, done.err
        said.append(NOTE in done.err)
    assert said == [False, False, True]
