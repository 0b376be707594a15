"""Short pauses for garbage, in a process that trades for days."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def settled_heap() -> Iterator[Callable[[], None]]:
    """Give what is to be called once, when everything that stays is there.

    A venue's client with its markets is some 250,000 objects. Python looks through all of them now
    and then, which stops everything for a tenth of a second: long enough to miss what pays. After the
    call they are left alone, until the end.
    """

    def settle() -> None:
        gc.collect()
        gc.freeze()

    try:
        yield settle
    finally:
        gc.unfreeze()
