"""A test that starts a process without being marked slow is found; what is slow stays out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import environment
from tests.support.slowness import FOLDERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TESTS = """
import os
import subprocess
import sys
import threading

import anyio
import pytest

def run():
    subprocess.run([sys.executable, "-c", ""], check=True)

def test_nothing():
    pass

def test_directly():
    run()

def test_in_a_thread():
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_in_a_loop(loop):
    anyio.run(anyio.run_process, [sys.executable, "-c", ""], backend=loop)

def test_through_the_system():
    os.system("true")

def test_and_takes_the_error():
    try:
        subprocess.run(["/there/is/none"])
    except OSError:
        pass

@pytest.fixture
def process():
    run()

def test_in_a_fixture(process):
    pass

@pytest.mark.slow
def test_marked(process):
    run()

def test_after_it():
    pass
"""


def pytest_says(*arguments: str, folder: Path) -> str:
    """Run pytest in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_process_without_the_mark_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: it is\n")
    said = pytest_says("-q", "-p", "tests.support.slowness", folder=tmp_path)
    errors = {line.split()[1] for line in said.splitlines() if line.startswith("ERROR ")}
    assert errors == {
        f"test_it.py::test_{name}"
        for name in (
            "directly",
            "in_a_thread",
            "in_a_loop[asyncio]",
            "in_a_loop[trio]",
            "through_the_system",
            "and_takes_the_error",
            "in_a_fixture",
        )
    }, said
    assert "not marked slow, but it started" in said


def test_the_short_loop_has_nothing_of_the_slow_folders() -> None:
    folders = [str(folder) for folder in FOLDERS]
    said = pytest_says("-q", "--collect-only", "-m", "not slow", *folders, folder=ROOT)
    assert "no tests collected" in said, said
    assert "::" not in said


def test_a_fixture_that_starts_processes_makes_a_test_slow() -> None:
    module = "tests/benchmarks/test_load.py"
    said = pytest_says("-q", "--collect-only", "-m", "not slow", module, folder=ROOT)
    assert "::test_frames_are_what_a_server_reads[0]" in said, said
    assert "::test_each_server_does_all_of_the_work" not in said
    assert "::test_work_costs_processor_time" not in said
