"""What end-to-end tests get: Node.js with the locked packages, generated clients."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.node import installed
from tests.support.typescript_lab import Lab, lab_in


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """Install the packages for Node.js once; the folder that holds `node_modules`."""
    return installed()


@pytest.fixture
def lab(tmp_path: Path) -> Generator[Lab]:
    """Generated clients, and a scripted server for them to talk to."""
    with lab_in(tmp_path) as lab:
        yield lab
