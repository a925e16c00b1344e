"""What all tests share: the command line in this process, and property tests that give the same in every run."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial

import in_process
import pytest
from hypothesis import HealthCheck, settings

# A normal run draws the same examples everywhere and always, so that it is never red by chance. To explore:
# HYPOTHESIS_PROFILE=explore python -m pytest tests/test_properties.py; what that finds becomes a row of a test.
settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", derandomize=False, database=None, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
with suppress(ImportError):  # older versions of hypothesis have none
    from hypothesis.internal.conjecture import providers

    # They draw constants that they find in our source, too: with any edit, other examples.
    providers.is_local_module_file = lambda _: False


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run a single file or test in this process, where a debugger works and nothing has to start."""
    chosen = config.args_source is config.ArgsSource.ARGS and len(config.args) == 1
    return 0 if chosen and ".py" in config.args[0] else None


@pytest.fixture
def run() -> in_process.Run:
    """Return what runs `costcalc WORDS` in this process, 100 columns wide: exit code, output, errors."""
    return partial(in_process.costcalc, env={"COLUMNS": "100"})
