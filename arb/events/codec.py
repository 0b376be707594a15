"""Facts to JSON text and back. A number that is not exact never gets into the log, and an unknown event never gets out."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import astuple

from arb.errors import BadNumber, LogDamaged, UnknownEvent
from arb.events.envelope import Meta
from arb.events.facts import ALL_FACTS, Fact
from arb.events.upcast import STEPS, Data, Step, upcast
from arb.limits import EVENT_DATA_BYTES_MAX

_PLAIN: Final = frozenset({str, int, bool, Decimal, type(None)})
_encode_json: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic").encode
_decode_object: Final = msgspec.json.Decoder(dict[str, object]).decode
_decode_meta: Final = msgspec.json.Decoder(Meta).decode


class Codec:
    """Encode and decode the given facts. One instance, `CODEC`, serves the engine."""

    def __init__(
        self, facts: Iterable[type[Fact]] = ALL_FACTS, steps: Mapping[tuple[str, int], Step] = STEPS
    ) -> None:
        self._facts = {fact.__name__: fact for fact in facts}
        self._steps = steps
        self._proven: set[tuple[object, ...]] = set()  # type name and types of the fields
        self._newest = {
            name: msgspec.json.Decoder(fact).decode for name, fact in self._facts.items()
        }
        self._decoders: dict[tuple[str, int], Callable[[str], Fact]] = {
            (name, shape): self._decoder(name, shape)
            for name, fact in self._facts.items()
            for shape in range(1, fact.SHAPE + 1)
        }

    def encode(self, fact: Fact) -> tuple[str, int, str]:
        """Write a fact as (type, shape, data).

        Raises BadNumber where a field holds something else than it declares: a float, None, NaN or infinity.
        """
        name = type(fact).__name__
        data = _encode_json(fact)
        if len(data) > EVENT_DATA_BYTES_MAX:
            raise ValueError(f"{name} has {len(data)} bytes, {EVENT_DATA_BYTES_MAX} is the most")
        if (name, *map(type, astuple(fact))) not in self._proven:
            self._prove(name, fact, data)
        if b"NaN" in data or b"Inf" in data:
            _refuse_not_finite(fact)
        return name, fact.SHAPE, data.decode()

    def decode(self, type_: str, shape: int, data: str) -> Fact:
        """Read a fact from its columns, through the upcasts its shape needs.

        Raises UnknownEvent for a type or shape of a newer version, LogDamaged for data that does not fit its type.
        """
        try:
            decoder = self._decoders[type_, shape]
        except KeyError:
            raise self._unknown(type_, shape) from None
        try:
            return decoder(data)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise LogDamaged(f"the data of {type_}, shape {shape}: {error}") from None

    def _prove(self, name: str, fact: Fact, data: bytes) -> None:
        """Read the data back: what cannot be read must not be written, one misplaced None would end every later replay.

        Facts of plain fields are proven once for the types in them; a container is proven every time.
        """
        try:
            again = self._newest[name](data)
        except KeyError:
            raise UnknownEvent(f"{name} is not among the facts of this log") from None
        except msgspec.ValidationError as error:
            raise BadNumber(f"{name} does not hold what it declares: {error}") from None
        kinds = [type(value) for value in astuple(fact)]
        for field, kind in zip(fact.__struct_fields__, kinds, strict=True):
            given, read = getattr(fact, field), getattr(again, field)
            if type(read) is not kind or _encode_json(read) != _encode_json(given):
                raise BadNumber(f"{name}.{field} holds {given!r}, which is not what it declares")
        if _PLAIN.issuperset(kinds):
            self._proven.add((name, *kinds))

    def _decoder(self, name: str, shape: int) -> Callable[[str], Fact]:
        fact = self._facts[name]
        newest = fact.SHAPE
        if shape == newest:
            return self._newest[name]
        for older in range(shape, newest):
            if (name, older) not in self._steps:
                raise LookupError(f"{name} has shape {newest}, but no upcast from shape {older}")

        def decode_older(text: str) -> Fact:
            data: Data = _decode_object(text)
            try:
                data = upcast(name, shape, newest, data, self._steps)
            except (LookupError, TypeError, ValueError) as error:
                raise msgspec.ValidationError(f"its upcast found {error!r}") from None
            return msgspec.convert(data, fact)

        return decode_older

    def _unknown(self, type_: str, shape: int) -> UnknownEvent:
        fact = self._facts.get(type_)
        if fact is None:
            found = f"an event of type {type_!r}, which this version does not know"
        else:
            found = f"{type_} of shape {shape}, and this version reads shapes 1 to {fact.SHAPE}"
        return UnknownEvent(f"the log holds {found}; use the version that wrote it, or a newer one")


def _refuse_not_finite(fact: Fact) -> None:
    """Raise BadNumber for a NaN or infinity; the words alone may be innocent."""
    for field in fact.__struct_fields__:
        held: object = getattr(fact, field)
        for value in held.values() if isinstance(held, dict) else (held,):
            if isinstance(value, Decimal) and not value.is_finite():
                name = type(fact).__name__
                raise BadNumber(f"{name}.{field} holds {value}, which is not a finite number")


CODEC: Final = Codec()
encode: Final = CODEC.encode
decode: Final = CODEC.decode


def encode_meta(meta: Meta) -> str:
    """Write who appended an event, and why."""
    return _encode_json(meta).decode()


def decode_meta(text: str) -> Meta:
    """Read who appended an event; raises LogDamaged for text that is not a meta."""
    try:
        return _decode_meta(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise LogDamaged(f"the meta {text[:200]!r} cannot be read: {error}") from None
