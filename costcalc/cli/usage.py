"""What `--help` prints: options in groups, a line each, and examples that run as they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

# The headings of options, in the order in which they are printed; what says no other stands under the first.
OWN, COUNTED, KNOBS, LINES, OUTPUT, COLUMNS, METRICS = (
    "Options", "What to count", "Knobs", "Lines", "Output", "Columns", "Options of metrics",
)  # fmt: skip
USUAL = 22  # characters of an option's name that all groups make room for
TITLES = (OWN, COUNTED, KNOBS, LINES, OUTPUT, COLUMNS, METRICS)


class GroupedOption(click.Option):
    """An option that says under which heading it stands."""

    def __init__(self, *names: Any, group: str = OWN, **given: Any) -> None:
        super().__init__(*names, **given)
        self.group = group


def option(*names: str, group: str = OWN, **given: Any) -> Callable[[F], F]:
    """Declare an option under a heading."""
    return click.option(*names, cls=GroupedOption, group=group, **given)


def record(param: click.Option) -> tuple[str, str]:
    """Return what is printed of an option: its names with what it takes, and a sentence, a choice's words before it."""
    names = ", ".join(sorted(param.opts, key=len))
    said = param.help or ""
    if isinstance(param.type, click.Choice):
        said = f"{'|'.join(param.type.choices)}: {said}"
    if param.required:
        said = f"{said} Required."
    return (
        names if param.is_flag or param.count else f"{names} {param.metavar or param.human_readable_name.upper()}",
        said,
    )


class WholeFromOne(click.IntRange):
    """A whole number from 1, and what is said of another."""

    def __init__(self) -> None:
        super().__init__(1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"'{value}' is no whole number from 1", param, ctx)


# What a flag that does something else than the command is: click's own ask for their words in the user's language,
# which loads much, and finds none.
EAGER: dict[str, Any] = {"is_flag": True, "is_eager": True, "expose_value": False}


def printing(text: Callable[[click.Context], str]) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Return what such a flag does: print a text, and end."""

    def run(ctx: click.Context, param: click.Parameter, asked: Any) -> None:
        del param
        if asked and not ctx.resilient_parsing:
            click.echo(text(ctx), color=ctx.color)
            ctx.exit()

    return run


class Helped(click.Command):
    """A command with `--help`."""

    own_help: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return the option, the same each time."""
        if self.own_help is None:
            said, run = "Show this message and exit.", printing(click.Context.get_help)
            self.own_help = click.Option(["-h", "--help"], help=said, callback=run, **EAGER)
        return self.own_help


class Command(Helped):
    """A command whose help has its options in groups and its examples on lines of their own (`epilog`)."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings, names in one column where they are not long."""
        filled = self.grouped(ctx)
        usual = max(len(names) for records in filled.values() for names, _ in records if len(names) <= USUAL)
        for title, records in filled.items():
            wide = max(usual, *(len(names) for names, _ in records))
            with formatter.section(title):
                formatter.write_dl([(f"{names:{wide}}", said) for names, said in records], col_max=wide)

    def grouped(self, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
        """Return what is printed of the options, a list a heading."""
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in TITLES} | {KNOBS: self.knobs()}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and not param.hidden:
                rest = OUTPUT if groups[OUTPUT] else OWN  # of click's own --help, which comes last
                groups[rest if "--help" in param.opts else getattr(param, "group", OWN)].append(record(param))
        filled = {title: records for title, records in groups.items() if records}
        return filled if len(filled) > 1 else {OWN: next(iter(filled.values()))}

    def knobs(self) -> list[tuple[str, str]]:
        """Return what is printed of options that are no options of the command's own."""
        return []

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        del ctx
        write_examples(formatter, self.epilog)


class Commands(Helped, click.Group):
    """A command of commands, of which each has such a help."""

    command_class = Command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        del ctx
        write_examples(formatter, self.epilog)


def write_examples(formatter: click.HelpFormatter, text: str | None) -> None:
    """Write lines that can be typed as they stand, unbroken."""
    with formatter.section("Examples"):
        for line in filter(None, map(str.strip, (text or "").splitlines())):
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")
