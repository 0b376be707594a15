"""The practice exchange's own door: JSON over plain HTTP on another loopback port."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from arb.clock import NS_PER_MS
from arb.errors import ArbError, ConfigInvalid
from arb.exchange.paper.desk import Placement
from arb.exchange.practice.doors import Gate, Grounds
from arb.exchange.practice.fault_table import FAULTS
from arb.exchange.practice.faults import read_rates
from arb.money import parse, plain

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Strike(Struct, forbid_unknown_fields=True):
    """`POST /control/fault`: let a fault strike the n-th such call from now, `times` in all."""

    fault: str
    on: str | None = None
    nth: int = 1
    times: int = 1


class Act(Struct, forbid_unknown_fields=True):
    """`POST /control/act`: what the user, or the venue, does now."""

    act: str  # a name in `_ACTS`
    asset: str = ""
    amount: str = "0"
    reported: bool = True
    market: str = ""
    side: str = ""
    limit: str | None = None
    time_in_force: str = "ioc"
    ms: int = 0
    on: bool = True


class Control:
    """What can be asked of a running practice exchange."""

    def __init__(self, grounds: Grounds, gate: Gate) -> None:
        self._grounds = grounds
        self._gate = gate
        self._acts: Mapping[str, Callable[[Act], object]] = {
            "deposit": lambda act: self._change(act, 1),
            "withdraw": lambda act: self._change(act, -1),
            "order": self._order,
            "halt": lambda act: grounds.hall.halt(self._listed(act), halted=act.on),
            "delist": lambda act: grounds.hall.delist(self._listed(act)),
            "dislocate": lambda act: grounds.hall.dislocate(
                self._listed(act), parse(act.amount), act.ms * NS_PER_MS
            ),
            "revoke": self._revoke,
            "jump": self._jump,
            "ban": lambda act: grounds.faults.close(
                "http_418", grounds.hall.now_ns(), act.ms * 1_000_000
            ),
        }

    def register(self, app: web.Application) -> None:
        """Add the routes."""
        app.middlewares.append(_only_from_here)
        app.router.add_post("/control/fault", self._fault)
        app.router.add_post("/control/faults", self._rates)
        app.router.add_post("/control/act", self._act)
        app.router.add_get("/control/faults", self._list)
        app.router.add_get("/control/state", self._state)

    async def _fault(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=Strike)
        self._grounds.faults.arm(asked.fault, asked.on, asked.nth, asked.times)
        return _json({"armed": asked.fault})

    async def _rates(self, request: web.Request) -> web.Response:
        """Replace the rates: the body is text as `--faults` takes it."""
        self._grounds.faults.rates = read_rates((await request.read()).decode())
        return _json(self._grounds.faults.rates)

    async def _list(self, _: web.Request) -> web.Response:
        return _json(
            {
                name: {"does": fault.does, "on": sorted(fault.calls)}
                for name, fault in FAULTS.items()
            }
        )

    async def _act(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=Act)
        act = self._acts.get(asked.act)
        if act is None:
            raise ConfigInvalid(f"no act {asked.act!r}; there are: {', '.join(self._acts)}")
        act(asked)
        return _json({"done": asked.act})

    async def _state(self, _: web.Request) -> web.Response:
        grounds, account = self._grounds, self._grounds.hall.account
        grounds.hall.tick()
        repeated = account.orders_by_client_id(2)
        return _json(
            {
                "at_ns": grounds.hall.now_ns(),
                "skew_ns": grounds.hall.skew_ns,
                "uid": account.uid,
                "opening": {asset: plain(amount) for asset, amount in account.opening().items()},
                "balances": {
                    asset: {"free": plain(one.free), "locked": plain(one.locked)}
                    for asset, one in account.balances().items()
                },
                "changes": account.changes(0, reported_only=False),
                "orders": account.all_orders(),
                "trades": account.all_fills(),
                "struck": grounds.faults.struck,
                "rates": grounds.faults.rates,
                "while_closed": self._gate.while_closed,
                "creates_seen": {
                    "total": grounds.posts.counts.total(),
                    "most_per_client_id": max(grounds.posts.counts.values(), default=0),
                },
                "orders_per_client_id_max": max(repeated.values(), default=1)
                if account.next_order_number() > 1
                else 0,
                "orders_with_a_repeated_client_id": repeated,
                "key_revoked": grounds.key_revoked,
            }
        )

    # --- acts

    def _change(self, act: Act, sign: int) -> None:
        amount = parse(act.amount)
        if amount <= 0 or not act.asset:
            raise ConfigInvalid(f"an amount above 0 and an asset, not {act.amount!r} {act.asset!r}")
        self._grounds.hall.change(act.asset, sign * amount, reported=act.reported)

    def _order(self, act: Act) -> None:
        limit: Decimal | None = None if act.limit is None else parse(act.limit)
        kind = "market" if limit is None else "limit"
        hall = self._grounds.hall
        number = hall.account.next_order_number()
        name = f"web_{number:020d}"
        amount = parse(act.amount)
        placed = Placement(name, act.market, act.side, kind, act.time_in_force, amount, limit)
        hall.place(placed)

    def _listed(self, act: Act) -> str:
        if self._grounds.hall.rules(act.market) is None:
            raise ConfigInvalid(f"no market {act.market!r}")
        return act.market

    def _revoke(self, act: Act) -> None:
        self._grounds.key_revoked = act.on

    def _jump(self, act: Act) -> None:
        self._grounds.hall.skew_ns = act.ms * 1_000_000


@web.middleware
async def _only_from_here(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer our own user only: a page in a browser names another host, or cannot send JSON."""
    if request.host.rpartition(":")[0] not in _LOOPBACK or "Origin" in request.headers:
        return _json({"error": "for local use only"}, 403)
    try:
        return await handler(request)
    except (ArbError, msgspec.DecodeError, ValueError) as error:
        return _json({"error": str(error)}, 400)


def _json(told: object, status: int = 200) -> web.Response:
    body = msgspec.json.encode(told, enc_hook=str)
    return web.Response(status=status, body=body, content_type="application/json")
