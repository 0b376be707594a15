"""Where the log of a command goes: to stderr, whatever the command, for data is on stdout."""

import logging
import sys
from typing import TextIO, cast

import structlog

from arb.faces.audience import Unheard
from arb.faces.text import say
from arb.faces.waiting import Waiting


def configure_log(level: str) -> None:
    """Send the log to stderr, in words on a terminal, as JSON elsewhere."""
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        processors=[
            Waiting(say),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Unheard(sys.stderr))),
        cache_logger_on_first_use=False,
    )
