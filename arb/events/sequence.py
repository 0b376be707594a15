"""What every log does before it stores anything: encode, check versions and commands, give positions, chain the hashes."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from arb.errors import VersionConflict
from arb.events.chain import link
from arb.events.codec import encode, encode_meta
from arb.events.envelope import Head, Meta, Recorded
from arb.events.facts import Fact
from arb.events.log import Appended, StreamAppend
from arb.limits import BATCH_EVENTS_MAX

_AT_NS_MAX: Final = 2**63 - 1

EncodedFact = tuple[str, int, str, Fact]  # type, shape, data, the fact itself


class Draft(Struct, frozen=True, gc=False):
    """An append that is encoded and valid by itself; only its place in the log is open."""

    streams: tuple[tuple[str, int, tuple[EncodedFact, ...]], ...]  # name, expected version, facts
    at_ns: int
    first_meta: str
    meta: str
    command: str | None
    events: int


def draft(
    batch: Sequence[StreamAppend], *, at_ns: int, meta: Meta, command_id: str | None = None
) -> Draft:
    """Encode an append, so that everything that can be wrong with it is refused before it meets the others.

    Raises BadNumber for a fact that does not hold what it declares, ValueError for an empty or oversized batch.
    """
    streams = tuple(
        (one.stream, one.expected_version, tuple([(*encode(fact), fact) for fact in one.facts]))
        for one in batch
    )
    count = sum(len(facts) for _, _, facts in streams)
    if not 1 <= count <= BATCH_EVENTS_MAX:
        raise ValueError(f"an append holds 1 to {BATCH_EVENTS_MAX} events, not {count}")
    if not 0 <= at_ns <= _AT_NS_MAX:
        raise ValueError(f"at_ns {at_ns} is outside 0..{_AT_NS_MAX}")
    for stream, _, _ in streams:
        if not stream:
            raise ValueError("a stream needs a name")
        stream.encode()  # a lone surrogate is refused here, alone, and not in the middle of a transaction
    text = encode_meta(meta)
    first_text = text
    if command_id is not None:
        command_id.encode()
        if count > 1:
            first_text = encode_meta(replace(meta, batch=count))
    return Draft(streams, at_ns, first_text, text, command_id, count)


class Sequencer:
    """The order of the log: the last position and hash, and the versions of the streams it has met.

    `load_version` and `load_command` ask the store for what is not in memory. A Sequencer runs ahead of its store while a
    transaction is open; if that fails, the Sequencer is of no more use.
    """

    def __init__(
        self,
        head: Head,
        load_version: Callable[[str], int],
        load_command: Callable[[str], Appended | None],
    ) -> None:
        self._position = head.position
        self._hash = head.hash
        self._versions: dict[str, int] = {}
        self._load_version = load_version
        self._commands: dict[str, Appended] = {}
        self._load_command = load_command

    def head(self) -> Head:
        """The last event that was staged."""
        return Head(self._position, self._hash)

    def stage(self, one: Draft, into: list[Recorded]) -> Appended:
        """Give an append its place, after everything staged before it.

        Raises VersionConflict, and stages nothing, when a stream is not at its expected version.
        """
        command = one.command
        if command is not None:
            first_result = self._commands.get(command) or self._load_command(command)
            if first_result is not None:
                return Appended(first_result.first, first_result.last, again=True)
        self._check_versions(one)
        first = self._position + 1
        meta = one.first_meta
        for stream, expected, facts in one.streams:
            version = expected
            for type_, shape, data, fact in facts:
                version += 1
                self._position = position = self._position + 1
                self._hash = hash_ = link(
                    self._hash,
                    position,
                    stream,
                    version,
                    type_,
                    shape,
                    one.at_ns,
                    data,
                    meta,
                    command,
                )
                into.append(
                    Recorded(
                        position,
                        stream,
                        version,
                        type_,
                        shape,
                        one.at_ns,
                        data,
                        meta,
                        command,
                        hash_,
                        fact,
                    )
                )
                meta, command = one.meta, None  # both mark the first event of a batch
            self._versions[stream] = version
        result = Appended(first, self._position)
        if one.command is not None:
            self._commands[one.command] = result
        return result

    def committed(self, streams_max: int) -> None:
        """Forget what the store can tell by now."""
        self._commands.clear()
        if len(self._versions) > streams_max:
            self._versions.clear()

    def version(self, stream: str) -> int:
        """The version of a stream, staged events included."""
        known = self._versions.get(stream)
        if known is None:
            known = self._versions[stream] = self._load_version(stream)
        return known

    def _check_versions(self, one: Draft) -> None:
        met: dict[str, int] = {}
        for stream, expected, facts in one.streams:
            actual = met.get(stream)
            if actual is None:
                actual = self.version(stream)
            if actual != expected:
                raise VersionConflict(
                    f"stream {stream} is at version {actual}, and version {expected} was expected;"
                    " load it again and decide again"
                )
            met[stream] = actual + len(facts)
