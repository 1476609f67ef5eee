"""What every test gets: both event loops for async tests; and how the suite is run."""

import os

import pytest
from hypothesis import HealthCheck, settings

from bytesocket_app.logs import restraint

os.environ.pop("BYTESOCKET_ENGINE", None)  # that of whoever runs the tests is not theirs

pytest_plugins = ["tests.support.figures", "tests.support.slowness"]

# However busy the machine is: no example has a deadline, nor has drawing them.
settings.register_profile(
    "developer",
    settings.get_profile("default"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "ci", settings.get_profile("developer"), derandomize=True, database=None, print_blob=True
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "developer")
)

MOST_PROCESSES = 4
"""How many share the whole suite at most: each may start servers and compilers."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's own options."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")
    parser.addoption("--update-golden", action="store_true", help="write tests/golden again")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Share the whole suite among processes; run what is named on the command line in this one.

    There is one more than there are processors: many tests wait for somebody. A benchmark has its
    processor for itself.
    """
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if not is_whole or config.getoption("benchmark_enable"):
        return 0
    return min((os.cpu_count() or 1) + 1, MOST_PROCESSES)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a skip, where skips are forbidden."""
    if not session.config.getoption("--no-skips"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run each async test on asyncio and on trio."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _own_log_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test miss a line because another one caused many; texts are logged, as in `dev`."""
    restraint.forget()
    monkeypatch.setattr(restraint, "shows_texts", True)
