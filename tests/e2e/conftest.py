"""What end-to-end tests get: Node.js with the locked packages."""

from pathlib import Path

import pytest

from tests.support.node import installed


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """Install the packages for Node.js once; the folder that holds `node_modules`."""
    return installed()
