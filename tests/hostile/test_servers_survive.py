"""Whatever a server library raises for one connection ends that connection, and no other."""

from collections.abc import Generator

import pytest

from tests.support.hostile import Target, bystanders, request, target
from tests.support.hostile_app import SERVERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application on each server."""
    with target(request.param) as served:
        yield served


def test_a_byte_after_the_upgrade_request(served: Target) -> None:
    with bystanders(served), served.connect() as peer:
        peer.send(request() + b"z")
        peer.answer()
