"""What the command of every tool has: `-h`, `--version`, and its exit codes at the end of its help."""

from collections.abc import Callable
from typing import Any, Final

import click

from arb.version import NAME, installed_version

EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 failed or ended with parked or unresolved cycles, 2 usage, "
    "3 configuration invalid, 4 stopped by a risk control or halted, 5 log damaged, 130 interrupted."
)


def tool(*, epilog: str | None = None) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function the command of a tool."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        settings = {"help_option_names": ["-h", "--help"]}
        command = click.command(context_settings=settings, epilog=epilog)(function)
        command.params.append(_version())
        return command

    return decorate


def _version() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_tell_version,
        help="Show name and version, and stop.",
    )


def _tell_version(context: click.Context, _parameter: click.Parameter, value: object) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"{NAME} {installed_version()}")
        context.exit()
