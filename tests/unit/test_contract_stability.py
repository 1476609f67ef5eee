"""The contract of everything: the same bytes, however and wherever it is made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = "tests/support/contract_sample.py"
MODULE = "tests.support.contract_sample"
CALL = f"import {MODULE} as sample; print(sample.application().contract().to_json(), end='')"
OTHER_SPELLINGS = """
from typing import List, Literal, Optional, Union
Union[str, int, None], Union[dict, str], Union[None, int], List[Union[str, int]]
Union[str, int], Literal["a", "b"], Optional[int], Literal[None, True, 3]
"""


def written(*arguments: str, seed: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def expected() -> str:
    """What it prints as a module that is imported, with one hash seed."""
    return written("-c", CALL, seed="0")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "seed"),
    [
        pytest.param(("-c", CALL), "1", id="another hash seed"),
        pytest.param(("-c", OTHER_SPELLINGS + CALL), "0", id="another order of imports"),
        pytest.param(("-m", MODULE, "reversed"), "2", id="another order of registration"),
        pytest.param(("-m", MODULE), "0", id="run as a module"),
        pytest.param((FILE,), "random", id="run as a script"),
    ],
)
def test_the_bytes_are_the_same(expected: str, arguments: tuple[str, ...], seed: str) -> None:
    assert written(*arguments, seed=seed) == expected
