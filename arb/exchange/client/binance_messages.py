"""What Binance's market streams say, decoded by its types: numbers go straight from text to floats."""

from typing import Final

import msgspec
from msgspec import Struct, field

Levels = tuple[tuple[float, float], ...]


class Data(Struct, gc=False, frozen=True):
    """A `bookTicker` (u, b, B, a, A), or the first levels of a book (lastUpdateId, bids, asks)."""

    u: int = 0
    b: float = 0.0
    B: float = 0.0
    a: float = 0.0
    A: float = 0.0
    last_update_id: int = field(default=0, name="lastUpdateId")
    bids: Levels = ()
    asks: Levels = ()


class Refusal(Struct, gc=False, frozen=True):
    """Why a request was not granted."""

    code: int = 0
    msg: str = ""


class Message(Struct, gc=False, frozen=True):
    """What a stream of a combined connection says, or the answer to a request of ours."""

    stream: str = ""
    data: Data | None = None
    id: int | None = None
    error: Refusal | None = None


class Best(Struct, gc=False, frozen=True):
    """A row of the best prices of all markets, as they are asked for."""

    symbol: str
    bid: float = field(name="bidPrice")
    bid_size: float = field(name="bidQty")
    ask: float = field(name="askPrice")
    ask_size: float = field(name="askQty")


decode: Final = msgspec.json.Decoder(Message, strict=False).decode


def best_rows(told: object) -> list[Best]:
    """Read the rows; raises msgspec.ValidationError where they are none."""
    return msgspec.convert(told, list[Best], strict=False)


def subscribe(number: int, names: list[str]) -> bytes:
    """A request for streams."""
    return msgspec.json.encode({"method": "SUBSCRIBE", "params": names, "id": number})


def best_stream(symbol: str) -> str:
    """The best prices, whenever they change."""
    return f"{symbol.lower()}@bookTicker"


def levels_stream(symbol: str) -> str:
    """The first twenty levels, ten times a second."""
    return f"{symbol.lower()}@depth20@100ms"
