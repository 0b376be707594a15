"""`run --report` and `run --sweep`: checked before anything is played, written when everything was."""

import os
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec import Struct

from arb.errors import ConfigInvalid
from arb.execution.analysis.findings import Findings, Measures, measured
from arb.execution.analysis.sweep import Job, play_all
from arb.execution.opportunities.tally import Summary
from arb.execution.runs.assembling import Options, Run
from arb.execution.runs.engine import EXIT_DONE, EXIT_FAILED, EXIT_HALTED
from arb.execution.runs.running import Ended
from arb.faces.progress import Progress
from arb.faces.report import tables
from arb.faces.report.contents import Played, Report, currencies_of
from arb.faces.report.curves import pictures
from arb.faces.report.folder import PAGE, refuse_folder, write_folder
from arb.faces.report.page import grid_table, page, table_name
from arb.faces.text import table
from arb.money import written_out
from arb.strategy.grid import Grid, Settings, make_grid, shown, value_at
from arb.strategy.loader import Loaded
from arb.strategy.settings import read_settings

# What is tried where nobody says what: round values around what venues and connections are like.
LATENCIES_MS: Final = (0, 10, 25, 50, 100, 200, 400)
FEES_BPS: Final = tuple(map(Decimal, ("0", "1", "2.5", "5", "7.5", "10", "15", "20")))
_REPORTED: Final = (EXIT_DONE, EXIT_FAILED, EXIT_HALTED)  # in order, whatever is left open
CURVES: Final = (("execution.backtest.latency_sim_ms", LATENCIES_MS), ("fees.taker_bps", FEES_BPS))

Load = Callable[[Settings], tuple[Loaded, ...]]


class PointLine(Struct, frozen=True, tag="point", tag_field="type"):
    """A point of a grid as a line of `run --json`."""

    settings: dict[str, str]
    opportunities: int
    opportunities_taken: int
    net_pnl: dict[str, Decimal]
    ended: str
    summary: Summary


class Reporting:
    """What a run has to tell beside its summary; making one writes nothing."""

    def __init__(
        self,
        folder: Path | None,
        sweeps: Sequence[str],
        jobs: int | None,
        loaded: Sequence[Loaded],
        load: Load,
    ) -> None:
        self.findings = Findings()
        self._folder = folder
        self._loaded = tuple(loaded)
        self._jobs = jobs or len(os.sched_getaffinity(0))
        if folder is not None:
            refuse_folder(folder)
        self._grids = [_swept(sweeps, load)] if sweeps else list(_curves(self._loaded, load))
        self._sweeps = bool(sweeps)
        self._span_ns: tuple[int, int] | None = None
        self._left_out: tuple[str, ...] = ()

    def follow(self, run: Run) -> None:
        """Listen to the run of the strategies as they stand."""
        self._span_ns, self._left_out = run.span_ns, run.left_out
        self.findings.follow(run)

    def finish(self, ended: Ended, options: Options) -> tuple[Played, ...] | None:
        """Play the grids beside a run that has ended, and write the report.

        An interrupt breaks off the grids alone, and gives None: what the run itself came to is known.
        """
        base = measured(self.findings, ended.summary, ended.exit_code)
        try:
            played = tuple(self._play(base, options))
        except KeyboardInterrupt:
            played = None
        if self._folder is not None:
            assert self._span_ns is not None, "a backtest has a beginning and an end"
            report = Report(
                loaded=self._loaded,
                span_ns=self._span_ns,
                left_out=self._left_out,
                findings=self.findings,
                measures=base,
                swept=played or (),
                interrupted=played is None,
            )
            write_folder(self._folder, dict(_files(report)))
        return played

    def _play(self, base: Measures, options: Options) -> Iterator[Played]:
        """Give each grid what its points came to; one that is as configured was played already."""
        own = [one.canonical for one in self._loaded]
        jobs = [
            Job(
                name=grid.name(point),
                loaded=point.loaded,
                cycles=options.cycles,
                duration_s=options.duration_s,
            )
            for grid in self._grids
            for point in grid.points
            if [one.canonical for one in point.loaded] != own
        ]
        with Progress() as progress:
            told = progress.count("sweep", len(jobs))
            results = iter(play_all(jobs, at_once=self._jobs, told=told))
        for grid in self._grids:
            each = (
                base if [one.canonical for one in point.loaded] == own else next(results)
                for point in grid.points
            )
            yield Played(grid, tuple(each))

    def lines(self, played: Sequence[Played], *, as_json: bool) -> Iterator[str]:
        """Tell the grids that were asked for; curves that come with every report are in its folder."""
        if not self._sweeps:
            return
        for one in played:
            if as_json:
                yield from _json_lines(one)
            else:
                yield ""
                yield from table(*grid_table(one, currencies_of(one.measures)))


def _json_lines(played: Played) -> Iterator[str]:
    keys = [axis.key for axis in played.grid.axes]
    for point, one in zip(played.grid.points, played.measures, strict=True):
        line = PointLine(
            settings=dict(zip(keys, point.values, strict=True)),
            opportunities=one.spells,
            opportunities_taken=one.spells_taken,
            net_pnl=one.net,
            ended=one.reason,
            summary=one.summary,
        )
        yield written_out(msgspec.json.encode(line).decode())


def _swept(sweeps: Sequence[str], load: Load) -> Grid:
    axes = []
    for sweep in sweeps:
        key, equals, values = sweep.partition("=")
        if not equals or not key.strip() or not values.strip():
            raise click.UsageError(f"--sweep {sweep!r}: write KEY=V,V such as fees.taker_bps=5,10")
        axes.append((key.strip(), values))
    try:
        return make_grid([read_settings(key, values) for key, values in axes], load)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"--sweep {error}") from None


def _curves(loaded: Sequence[Loaded], load: Load) -> Iterator[Grid]:
    """P/L against assumed latency, and against the assumed fee, through the configured values."""
    for key, values in CURVES:
        own = value_at(loaded[0].strategy, tuple(key.split(".")))
        assert isinstance(own, int | Decimal), key
        every = sorted({*values, own})
        yield make_grid([read_settings(key, ",".join(map(shown, every)))], load)


def _files(report: Report) -> Iterator[tuple[str, str]]:
    findings = report.findings
    yield PAGE, page(report)
    yield "opportunities.csv", tables.opportunities(findings)
    yield "cycles.csv", tables.cycles(findings)
    yield "declined.csv", tables.declined(findings)
    yield "life.csv", tables.life(findings)
    for played in report.swept:
        text = tables.points(played.grid, played.measures, report.currencies)
        yield table_name(played), text
    yield from pictures(report)


def came_to_its_end(ended: Ended) -> bool:
    """Whether a run may be reported: half of one would mislead."""
    return ended.error is None and ended.exit_code in _REPORTED
