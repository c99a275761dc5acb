"""Settings of the whole test suite.

Hypothesis profiles: ``fast`` (default) and ``thorough``, chosen by the environment variable EQUINORM_PROFILE or by
``--hypothesis-profile``. Both draw the same examples in every run; there is no database and no deadline.

EQUINORM_REQUIRE_TORCH=1 turns a test that is skipped for want of torch into a failure, so that a run that is meant to
make the comparisons with torch cannot pass without them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("fast", max_examples=50, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "thorough",
    settings.get_profile("fast"),
    max_examples=20_000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("EQUINORM_PROFILE", "fast"))

# On arrays this small threads wait for each other longer than they work. Before anything loads an array library.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A shell without job control lets what it runs in the background ignore Ctrl-C, and so would every command that a test
# starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make ``report`` a failure if it is a skip whose reason names torch and torch is required."""
    required = os.environ.get("EQUINORM_REQUIRE_TORCH", "") not in ("", "0")
    # A skip is told by its file, its line and its reason; a file may bear the word as well.
    reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
    if required and report.skipped and "torch" in str(reason).lower():
        report.outcome = "failed"
        report.longrepr = f"EQUINORM_REQUIRE_TORCH is set, but this was skipped: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skips inside a test, by a fixture or by a marker."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skips of a whole module."""
    report = yield
    _forbid_skip(report)
    return report
