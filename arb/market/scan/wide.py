"""What cycles of five legs need beside: which slots and edges lead how from hub to hub."""

from arb.market.scan.hubs import Edges, Slots


class Wide:
    """What five legs need beside: two paths that follow each other, or a path and an edge."""

    def __init__(self, slots: Slots) -> None:
        slot_of = {pair: slot for slot, pair in enumerate(slots.ends)}
        edges_of: dict[tuple[str, str], Edges] = {
            (last, first): slots.closers[slot] for (first, last), slot in slot_of.items()
        }
        # By slot: the ways back of three legs, each as the slot of its path and its closing edges.
        self.longer: list[list[tuple[int, Edges]]] = [[] for _ in slots.ends]
        # By slot: two slots whose paths lead the same way, one after the other.
        self.doubles: list[list[tuple[int, int]]] = [[] for _ in slots.ends]
        self.raised_by_slot: list[list[tuple[int, int]]] = [[] for _ in slots.ends]
        self.raised_by_edge: list[list[tuple[int, int]]] = [[] for _ in slots.sources]
        for (first, last), slot in slot_of.items():
            for middle in slots.hubs:
                if middle in {first, last}:
                    continue
                for path, way in (
                    ((last, middle), (middle, first)),
                    ((middle, first), (last, middle)),
                ):
                    closers = edges_of.get(way, ())
                    if path in slot_of and closers:
                        self.longer[slot].append((slot_of[path], closers))
                        for closer in closers:
                            self.raised_by_slot[slot_of[path]].append((closer, slot))
                            self.raised_by_edge[closer].append((slot_of[path], slot))
                if (first, middle) in slot_of and (middle, last) in slot_of:
                    self.doubles[slot].append((slot_of[first, middle], slot_of[middle, last]))
