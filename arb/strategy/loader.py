"""Load a strategy file: either a whole, checked strategy or an error that names every problem."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final, cast

from msgspec import Struct, structs
from yaml.nodes import MappingNode, ScalarNode

from arb.errors import ConfigInvalid
from arb.money import plain
from arb.strategy.bounds import shown
from arb.strategy.canonical import canonical_json, hash_of
from arb.strategy.cycle_file import CycleFile, read_cycle_file
from arb.strategy.document import compose
from arb.strategy.flags import Flags, apply
from arb.strategy.reading import KeyPath, Reader
from arb.strategy.rules import complaints, latency_complaints, money_complaints, row_complaints
from arb.strategy.schema import Exchange, Execution, Fees, Mode, Strategy
from arb.strategy.settings import Setting, put
from arb.strategy.source import Place, Problem, read_source
from arb.strategy.venue_fees import NamedFees, named_default

CYCLE_FILE: Final = ("trading_pairs_file",)
MARKETS_FILE: Final = ("execution", "backtest", "markets_file")


class Loaded(Struct, frozen=True, kw_only=True):
    """A strategy with what the file itself does not say."""

    strategy: Strategy
    path: Path
    notes: tuple[str, ...]  # defaults that were used, to be printed
    data_file: Path | None  # absolute; of the mode that runs, from the flag or the file
    cycle_file: CycleFile | None = None  # of `trading_pairs_file`, read
    markets_file: Path | None = None  # absolute
    ca_file: Path | None = None  # absolute; it need not be there until the venue is called

    @property
    def canonical(self) -> str:
        """The text that the log keeps; see `arb.strategy.canonical`."""
        return canonical_json(self.strategy)

    @property
    def config_hash(self) -> str:
        """Sha256 of the canonical text, hex."""
        return hash_of(self.canonical)

    def required_data_file(self) -> Path:
        """Give the recorded feed's file; raises ConfigInvalid where none was named."""
        if self.data_file is None:
            key = f"execution.{self.strategy.execution.mode}.data_file"
            raise ConfigInvalid(f"{self.path}: no recorded feed; give `{key}` or --data-file")
        return self.data_file


def load(
    path: str | Path,
    *,
    mode: str | None = None,
    data_file: str | None = None,
    random_seed: int | None = None,
    start_time: str | None = None,
    end_time: str | None = None,
    paper_balances: Iterable[tuple[str, str]] = (),
    settings: Iterable[Setting] = (),
) -> Loaded:
    """Read and check a strategy file; the keyword arguments are flags that go before its keys.

    `data_file` is relative to the working directory and makes a paper market a recorded one.
    `paper_balances` are pairs of currency and amount, each in the place of one balance. `settings`
    are read as if they stood in the file.
    Raises ConfigInvalid with every problem of the file and the flags.
    """
    flags = Flags(
        mode=mode,
        data_file=data_file,
        random_seed=random_seed,
        start_time=start_time,
        end_time=end_time,
        paper_balances=tuple(paper_balances),
    )
    source = read_source(Path(path))
    root = compose(source)
    unset = put(root, settings)
    if unset:
        raise source.invalid(unset)
    fees = named_default(_exchange(root))
    reader = Reader(_fee_defaults(fees))
    strategy = reader.block(Strategy, root)
    problems = reader.problems
    folder = Path(path).parent
    files = _data_files(reader, flags, folder, problems)
    markets_file = _named_file(reader, MARKETS_FILE, folder, problems)
    cycles = _named_file(reader, CYCLE_FILE, folder, problems)
    if strategy is not None:
        strategy, wrong = apply(_shortened(strategy), flags)
        problems += [Problem(None, text) for text in wrong]
        for key, text in chain(complaints(strategy), latency_complaints(strategy)):
            told = flags.told(key, text)
            problems.append(Problem(_place(reader, key) if told is None else None, told or text))
    cycle_file = None if cycles is None or problems else read_cycle_file(cycles)
    if strategy is not None:
        starts = start_currencies(strategy, cycle_file)
        rows = () if cycle_file is None else cycle_file.rows
        found = chain(money_complaints(strategy, starts), row_complaints(strategy, rows))
        problems += [Problem(_place(reader, key), text) for key, text in found]
    if strategy is None or problems:
        raise source.invalid(problems)
    return Loaded(
        strategy=strategy,
        path=Path(path),
        notes=tuple(_notes(strategy, reader.left_out, fees)),
        data_file=files.get(strategy.execution.mode),
        cycle_file=cycle_file,
        markets_file=markets_file,
        ca_file=_ca_file(strategy, folder),
    )


def _ca_file(strategy: Strategy, folder: Path) -> Path | None:
    """Where the venue's `ca_file` is: beside the strategy, else in the working directory."""
    named = strategy.venue.ca_file
    if named is None:
        return None
    return _first_file(named, [folder, Path()]) or (folder / named).absolute()


def _shortened(strategy: Strategy) -> Strategy:
    """Write a venue that has nothing but its id as that id: one thing, one text in the log."""
    if strategy.exchange != Exchange(id=strategy.venue.id):
        return strategy
    return structs.replace(strategy, exchange=strategy.venue.id)


def start_currencies(strategy: Strategy, cycle_file: CycleFile | None) -> frozenset[str] | None:
    """The currencies that cycles begin with; None: any may be one."""
    if strategy.cycle is not None:
        return frozenset(strategy.cycle[:1])
    sought = strategy.sought_starts
    if cycle_file is not None:
        named = frozenset(row.currencies[0] for row in cycle_file.rows)
        return named if sought is None else named & frozenset(sought)
    return None if sought is None else frozenset(sought)


def _exchange(root: MappingNode) -> str:
    """Look ahead to the venue's name, because the default of another key depends on it."""
    for key, value in root.value:
        if key.value != "exchange":
            continue
        named = value if isinstance(value, ScalarNode) else None
        if isinstance(value, MappingNode):
            named = next((node for name, node in value.value if name.value == "id"), None)
        if isinstance(named, ScalarNode):
            return str(named.value)
    return ""


def _fee_defaults(fees: NamedFees) -> Mapping[KeyPath, object]:
    return {
        ("fees",): Fees(taker_bps=fees.taker_bps, maker_bps=fees.maker_bps),
        ("fees", "taker_bps"): fees.taker_bps,
        ("fees", "maker_bps"): fees.maker_bps,
    }


def _place(reader: Reader, key: KeyPath) -> Place | None:
    """Find the place of a key, or of the nearest block around it that the file has."""
    while key and key not in reader.places:
        key = key[:-1]
    return reader.places.get(key)


def _data_files(
    reader: Reader, flags: Flags, folder: Path, problems: list[Problem]
) -> dict[str, Path]:
    """Find the recorded feed of each mode: the flag's for the mode that runs, else the file's."""
    written = cast("Mode", reader.values.get(("execution", "mode"), Execution().mode))
    running = flags.mode_over(written)
    files: dict[str, Path] = {}
    for mode in ("paper", "backtest"):
        key = ("execution", mode, "data_file")
        if mode == running and flags.data_file is not None:
            found = _first_file(flags.data_file, [Path()])
            problem: Problem | None = Problem(
                None, f"--data-file {shown(flags.data_file)}: {_why_none(flags.data_file)}"
            )
        else:
            found, problem = _named_file(reader, key, folder, problems), None
        if found is not None:
            files[mode] = found
        elif problem is not None:
            problems.append(problem)
    return files


def _named_file(reader: Reader, key: KeyPath, folder: Path, problems: list[Problem]) -> Path | None:
    """Find the file that a key names: beside the strategy, else in the working directory."""
    if key not in reader.values:
        return None
    name = str(reader.values[key])
    found = _first_file(name, [folder, Path()])
    if found is None:
        where = "is neither beside this file nor in the working directory"
        problems.append(Problem(reader.places[key], f"{key[-1]} {shown(name)} {where}"))
    return found


def _first_file(name: str, folders: list[Path]) -> Path | None:
    try:
        paths = [(folder / name).absolute() for folder in folders]
        return next((path for path in paths if path.is_file()), None)
    except (OSError, ValueError):  # a name that no file system can have
        return None


def _why_none(name: str) -> str:
    try:
        return "a folder; name the file in it" if Path(name).is_dir() else "no such file"
    except (OSError, ValueError):
        return "no such file"


def _notes(strategy: Strategy, left_out: set[KeyPath], fees: NamedFees) -> Iterator[str]:
    """Tell the defaults that decide about money."""
    rates = (("fees", "taker_bps"), ("fees", "maker_bps"))
    if ("fees",) in left_out or any(rate in left_out for rate in rates):
        taker, maker = plain(strategy.fees.taker_bps), plain(strategy.fees.maker_bps)
        yield f"fees: {fees.source}: taker {taker} bps, maker {maker} bps{fees.hint}"
    mode = strategy.execution.mode
    if _left_out(left_out, ("execution", "mode")):
        yield f"mode: {mode}"
    if mode == "live":
        return
    if mode == "paper":
        yield f"feed: {strategy.execution.paper.feed}"
    block = strategy.execution.paper if mode == "paper" else strategy.execution.backtest
    if _left_out(left_out, ("execution", mode, "initial_balances")):
        amounts = (f"{plain(amount)} {code}" for code, amount in block.initial_balances.items())
        yield f"balances: {mode} default: {', '.join(amounts)}"


def _left_out(left_out: set[KeyPath], key: KeyPath) -> bool:
    return any(key[:depth] in left_out for depth in range(1, len(key) + 1))
