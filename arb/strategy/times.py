"""Moments in strategy files, flags and messages: seconds since the Unix epoch, or ISO 8601."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_MS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISO: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](?P<clock>\d{2}:\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?"
    r" ?(?P<zone>[Zz]|[+-]\d{2}:\d{2})?)?",
    re.ASCII,
)
_SECONDS: Final = re.compile(r"\d{1,10}(?:\.\d{1,9})?", re.ASCII)


def parse_instant(text: str) -> Decimal | None:
    """Read a moment as seconds since the epoch, exact to the nanosecond; None if it is not one.

    A time without a zone is UTC; a date alone is its first instant.
    """
    if _SECONDS.fullmatch(text):
        return Decimal(text)
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    clock, second = found["clock"] or "00:00", found["second"] or "00"
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{clock}:{second}+00:00")
        moment -= _offset(found["zone"])
    except (ValueError, OverflowError):
        return None
    seconds = calendar.timegm(moment.astimezone(UTC).utctimetuple())
    return Decimal(f"{seconds}.{found['fraction'] or '0'}") if seconds >= 0 else None


def when(at_ns: int) -> str:
    """Write a time in UTC, to the millisecond: `2026-11-22T11:50:00.123Z`."""
    at = _EPOCH + timedelta(milliseconds=at_ns // NS_PER_MS)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 -- a clock's face
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset
