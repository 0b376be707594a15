"""One event as a line of JSON."""

import json

from arb.events.envelope import Recorded


def record_json(record: Recorded) -> str:
    """Position, stream, version, type, at_ns, data, hash."""
    return json.dumps(
        {
            "position": record.position,
            "stream": record.stream,
            "version": record.version,
            "type": record.type,
            "at_ns": record.at_ns,
            "data": json.loads(record.data),
            "hash": record.hash.hex(),
        }
    )
