"""The command line: `costcalc COMMAND`. Each command is a module here, imported when it is run."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from contextlib import suppress
from importlib import import_module
from io import TextIOBase, TextIOWrapper

import click

from costcalc import __version__
from costcalc.base.errors import SpecError, stop
from costcalc.cli import progress, usage

GROUPS = {
    "Look at a network": {
        "report": "what each layer costs, and the whole",
        "explain": "one layer's formulas, with the numbers put in",
        "validate": "check specs, and tell every mistake with its place",
        "verify": "build networks in PyTorch, and compare row by row",
        "explore": "a page to open: the graph, its cost, knobs that move it",
        "plot": "pictures: accuracy, cost by layer and type, sweeps, shapes",
    },
    "Which number": {
        "conventions": "what each tool counts, and what it would say of a network",
        "reconcile": "which settings give a number that somebody claims",
        "metrics": "what --columns and budgets take: units and meanings",
    },
    "Many settings": {
        "sweep": "costs at every combination of knobs",
        "compare": "networks side by side, with ratios to the first",
        "diff": "which layers make two networks' costs differ",
        "solve": "the largest setting that meets a budget",
        "space": "all networks that a search may choose: how many, and what fits",
        "check": "whether networks are within a budget or a baseline",
    },
    "Change it": {
        "whatif": "layers replaced, dropped or scaled, and what each changes",
        "netadapt": "channels taken away layer by layer, until a budget is met",
        "size": "what weights take to store: quantized, pruned, with indices",
    },
    "Hardware": {
        "training": "a step's work, its memory, and the largest batch",
        "latency": "how long a network takes on a device: a range, or a bound",
        "energy": "where energy goes: compute, on-chip memory, DRAM",
        "devices": "the devices, and where each of their numbers comes from",
        "calibrate": "a device's rates from networks that were timed on it",
    },
    "Other formats": {
        "import": "a model of another framework, or its file, as a spec",
        "export": "a spec as a file of ONNX, SCALE-Sim, Timeloop, Model Explorer",
    },
    "The zoo and the language": {
        "list": "the networks of the zoo",
        "zoo": "every published figure, ours beside it, and the verdict",
        "table": "a paper's table, our counts beside its figures",
        "show": "a network's spec, complete and ready to be edited",
        "ops": "the operators, their fields and examples",
        "schema": "the JSON Schema of specs, or of reports",
        "completion": "the script that completes costcalc's words in a shell",
    },
}
COMMANDS = {name: said for commands in GROUPS.values() for name, said in commands.items()}

# Commands whose names Python keeps for itself, or may not have as a module's.
MODULES = {"import": "importing", "export": "exporting"}


class Lazy(usage.Commands):
    """A group whose commands are imported when they are run: start-up is part of the product."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order of the groups above."""
        del ctx
        return [*COMMANDS]  # `list` is a module here

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"costcalc.cli.{MODULES.get(cmd_name, cmd_name)}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest for an unknown one."""
        from costcalc.base.errors import nearest

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = nearest(args[0], COMMANDS) or f"commands: {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' list without importing any of them."""
        del ctx
        wide = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:{wide}}", said) for name, said in commands.items()])


HELP = """The cost of a convolutional network before it exists.

Parameters, multiply-accumulates and shapes of a network written as a YAML spec, layer by layer
and in total, for any width, resolution or depth.
"""
EXAMPLES = """
costcalc report mobilenet_v1 --width 0.5
costcalc show resnet50 > my.yaml
costcalc report my.yaml --by type
"""


PRINT_VERSION = usage.printing(lambda _: f"costcalc {__version__}")


@click.group(cls=Lazy, help=HELP, epilog=EXAMPLES)
@click.option("--version", help="Show the version and exit.", callback=PRINT_VERSION, **usage.EAGER)
def group() -> None:
    """Run a command."""


FULL = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF, getattr(errno, "EDQUOT", errno.ENOSPC))


def say(text: str) -> None:
    """Write to stderr, as far as that takes it: the exit code stays."""
    with suppress(OSError):
        click.echo(text, err=True)


def refuse_bytes(word: str) -> None:
    """Raise SpecError for a word of the command line that is no text, which no output could hold."""
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        shown = word.encode("utf-8", "replace").decode()
        raise stop(f"'{shown[:60]}' is no UTF-8", hint="give the file another name") from None


# What an encoding without these writes in their place.
PLAIN = str.maketrans({"─": "-", "→": "->", "×": "x", "…": "...", "·": ".", "−": "-", "≈": "~", "≤": "<=", "≥": ">="})


def silence() -> None:
    """Let go of what is still to be written to stdout: Python would try again at exit, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Closed(TextIOBase):
    """A standard output that is not there."""

    def write(self, _: str) -> int:
        """Raise OSError."""
        raise OSError(errno.EBADF, "it is closed")


def ready() -> None:
    """Make what is written possible anywhere: a stream that is closed, one whose encoding lacks a character."""
    sys.stdout = sys.stdout or Closed()  # the shell's >&-
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    codecs.register_error("costcalc", lambda error: (_nearest_characters(error), getattr(error, "end", 0)))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="costcalc")


def _nearest_characters(error: Exception) -> str:
    """Return what stands for characters that an encoding has not."""
    assert isinstance(error, UnicodeEncodeError)
    return error.object[error.start : error.end].translate(PLAIN).encode("ascii", "replace").decode()


def main() -> None:
    """Run the command line; a mistake in a spec is text on stderr and exit code 2, never a traceback."""
    ready()
    try:
        for word in sys.argv:
            refuse_bytes(word)
        with progress.shown():
            code = group.main(prog_name="costcalc", standalone_mode=False)
        sys.stdout.flush()
    except SpecError as error:
        say(error.render(for_shell=True))
        code = 2
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("stopped")
        code = 130
    except BrokenPipeError:  # the reader (head, less) has gone: that is no mistake
        silence()
        code = 0
    except OSError as error:  # files tell theirs themselves
        silence()
        say(f"standard output cannot be written: {error.strerror}" if error.errno in FULL else str(error))
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
