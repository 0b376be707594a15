"""The keys of the venue and of the way to it."""

from typing import Final, NamedTuple

REQUIRED: Final = object()


class Key(NamedTuple):
    default: object
    good: dict[str, object]  # YAML text -> value
    bad: dict[str, str]  # YAML text -> part of the message


EXCHANGE_KEYS: Final = {
    "exchange.id": Key(
        REQUIRED,
        {"kraken": "kraken"},
        {"Binance": "in lower case", "5": "put it in quotes", "": "is empty"},
    ),
    "exchange.sandbox": Key(default=False, good={"true": True}, bad={"1": "must be true or false"}),
    "exchange.connect_to": Key(
        None,
        {
            "127.0.0.1:8443": "127.0.0.1:8443",
            "localhost:1": "localhost:1",
            "'[::1]:65535'": "[::1]:65535",
        },
        {
            "127.0.0.1": "must be an address such as",
            "127.0.0.1:0": "must be an address such as",
            "127.0.0.1:65536": "must be an address such as",
            "10.0.0.1:8443": "must be an address of this machine",
            "api.binance.com:443": "must be an address of this machine",
            "0.0.0.0:8443": "must be an address of this machine",
            "'127.0.0.1:٣'": "must be an address such as",
        },
    ),
    "exchange.ca_file": Key(
        None, {"ca.pem": "ca.pem"}, {"''": "must be the path of a file", "5": "put it in quotes"}
    ),
    "exchange.options": Key(
        {},
        {"{}": {}, "{a: 1, b: 'x', c: true}": {"a": 1, "b": "x", "c": True}},
        {
            "[a]": "must be values by name",
            "{a: 1, a: 2}": "a is given twice",
            "{a: 1.5}": "put it in quotes",
            "{a: {b: 1}}": "must be text",
            "{maxRetriesOnFailure: 3}": "maxRetriesOnFailure is decided by the engine",
            "{recvWindow: 60000}": "recvWindow is decided by the engine",
            "{'a b': 1}": "must be the name of an option",
        },
    ),
    "exchange.dialect": Key(None, {"practice": "practice"}, {"binance": "must be one of practice"}),
}
