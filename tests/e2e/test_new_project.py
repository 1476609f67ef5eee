"""A project made by `bytesocket new`: its own tests and checks pass, its page included."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.node import TSC, run_node
from tests.support.server_process import environment

ROOT = Path(__file__).parents[2]
DEADLINE = 180.0
"""Seconds for one command, on a busy machine."""

PAGE_OPTIONS = {
    "allowJs": True,
    "checkJs": True,
    "noEmit": True,
    "strict": True,
    "target": "es2022",
    "lib": ["es2022", "dom", "dom.iterable"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "types": [],
}


@pytest.fixture(scope="module", params=["chat", "minimal"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp(request.param)
    run(place, "bytesocket_cli", "new", "hello", "--template", request.param)
    return place / "hello"


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment(MYPYPATH=str(ROOT)),
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_tests_pass(project: Path) -> None:
    run(project, "pytest", "-q", "-p", "no:cacheprovider")


def test_its_checks_pass(project: Path) -> None:
    run(project, "ruff", "check", "--no-cache", ".")
    run(project, "ruff", "format", "--no-cache", "--check", ".")
    run(project, "mypy", "--follow-imports", "silent", "--cache-dir", str(project.parent / "mypy"))


def test_what_is_generated_is_up_to_date(project: Path) -> None:
    run(project, "bytesocket_cli", "generate", "--check")


def test_its_page_agrees_with_the_generated_types(project: Path, node_packages: Path) -> None:
    config = {"compilerOptions": PAGE_OPTIONS, "files": ["hello/static/app.js"]}
    (project / "tsconfig.json").write_text(json.dumps(config))
    done = run_node(TSC["5.9"], "-p", project, "--pretty", "false", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("language", "output"), [("contract", "contract.json"), ("javascript", "static/client.js")]
)
def test_the_example_is_up_to_date_too(language: str, output: str) -> None:
    path = f"examples/chat/{output}"
    run(ROOT, "bytesocket_cli", "generate", language, "examples/chat", "-o", path, "--check")
