"""What proves that a log is whole: its chain, its witness, and what was acknowledged."""

import hashlib
import zlib
from pathlib import Path

from arb.simulation.checker.truth import Truth
from arb.simulation.checker.words import Event, Violation

MAGIC = b"arbwit01"
SLOTS = (0, 4096)
SLOT_BYTES = 96  # then comes the checksum
GENESIS = bytes(32)


def check(db: Path, events: list[Event], really: Truth) -> list[Violation]:
    """Judge chain, witness and acknowledgements."""
    return [
        *(Violation("chain", what) for what in _chain(events)),
        *(Violation("witness", what) for what in _witness(db, events)),
        *(Violation("lost_acknowledged", what) for what in _lost(events, really)),
    ]


def _chain(events: list[Event]) -> list[str]:
    wrong: list[str] = []
    versions: dict[str, int] = {}
    commands: set[str] = set()
    previous = GENESIS
    if events and events[0].type != "LogCreated":
        wrong.append(f"the log begins with {events[0].type}")
    for at, event in enumerate(events, 1):
        if event.position != at:
            return [*wrong, f"position {at} is missing: {event.position} stands there"]
        if event.version != versions.get(event.stream, 0) + 1:
            wrong.append(f"position {at}: {event.stream} goes on at version {event.version}")
        versions[event.stream] = event.version
        if event.command is not None and event.command in commands:
            wrong.append(f"position {at}: command {event.command} was appended before")
        commands.add(event.command or "")
        previous = _link(previous, event)
        if event.hash != previous:
            wrong.append(f"position {at}: its hash does not follow from what stands there")
            previous = event.hash
    return wrong


def _link(previous: bytes, event: Event) -> bytes:
    command = b"\xff\xff\xff\xff" if event.command is None else _text(event.command)
    return hashlib.sha256(
        b"".join(
            (
                previous,
                *(_number(event.position), _text(event.stream), _number(event.version)),
                *(_text(event.type), _number(event.shape), _number(event.at_ns)),
                *(_text(event.text), _text(event.meta), command),
            )
        )
    ).digest()


def _number(value: int) -> bytes:
    return (8).to_bytes(4, "big") + value.to_bytes(8, "big", signed=True)


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(4, "big") + raw


def _witness(db: Path, events: list[Event]) -> list[str]:
    path = db.with_name(f"{db.name}.witness")
    if not path.exists():
        return [f"{path.name} is missing"] if events else []
    content = path.read_bytes()
    sworn: list[tuple[int, int, bytes]] = []
    for offset in SLOTS:
        slot = content[offset : offset + SLOT_BYTES]
        sum_ = content[offset + SLOT_BYTES : offset + SLOT_BYTES + 4]
        if slot.startswith(MAGIC) and zlib.crc32(slot).to_bytes(4, "big") == sum_:
            numbers = int.from_bytes(slot[8:16], "big"), int.from_bytes(slot[16:24], "big")
            sworn.append((*numbers, slot[24:56]))
    if not sworn:
        return ["neither slot of the witness can be read"]
    _, position, hash_ = max(sworn)
    last = events[-1].position if events else 0
    if position != last:
        return [f"it swears to position {position}, the log ends at {last}"]
    if events and hash_ != events[-1].hash:
        return [f"it swears to another event at position {position}"]
    return []


def _lost(events: list[Event], really: Truth) -> list[str]:
    hashes = {event.position: event.hash.hex() for event in events}
    return [
        f"position {position} was acknowledged, and the log "
        + ("ends before it" if position not in hashes else "holds another event there")
        for position, text in really.acknowledged
        if position and hashes.get(position) != text
    ]
