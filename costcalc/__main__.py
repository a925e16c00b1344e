"""Where the command starts: `costcalc`, or `python -m costcalc`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line.

    A command lives some 70 ms and leaves no garbage worth looking for, so that a sixth of its time
    would go into the collector's walks over what was just imported, at start and again at exit.
    """
    gc.set_threshold(100_000, 50, 100)
    try:
        from costcalc.cli import main as run

        run()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
