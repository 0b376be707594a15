"""What ccxt's streams leave behind is told once, by whoever follows them."""

import asyncio
import gc
from typing import Any

import pytest
from ccxt.base.errors import NetworkError

from arb.exchange.client.ccxt_gateway import leave_unheard


def told(error: Exception, caplog: pytest.LogCaptureFixture) -> str:
    """What asyncio says of a future that ended with an error and was awaited by nobody."""

    async def forget() -> None:
        leave_unheard(asyncio.get_running_loop())
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_exception(error)
        del future
        gc.collect()

    asyncio.run(forget())
    return caplog.text


def test_an_error_of_the_client_is_not_told_twice(caplog: pytest.LogCaptureFixture) -> None:
    assert told(NetworkError("Connection closed by remote server"), caplog) == ""


def test_any_other_one_is_a_mistake_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    assert "never retrieved" in told(ValueError("ours"), caplog)
