"""RFC 6455 by the ids of the Autobahn suite, and what each server is known to do otherwise."""

from collections.abc import Generator
from dataclasses import dataclass, replace

import pytest

from tests.support.hostile import Target, bystanders, target
from tests.support.hostile_app import RUNNERS
from tests.support.rfc6455 import CASES, Case

pytestmark = pytest.mark.slow

HYPERCORN = ("hypercorn-asyncio", "hypercorn-trio")


@dataclass(frozen=True)
class Deviation:
    """What servers are known to do in place of what the RFC wants.

    Attributes:
        servers: Their names.
        ids: Beginnings of the cases' ids.
        codes: What the cases want at the end.
        instead: What comes at the end.
        why: The reason.
    """

    servers: tuple[str, ...]
    ids: tuple[str, ...]
    codes: tuple[int, ...]
    instead: int
    why: str

    def concerns(self, server: str, case: Case) -> bool:
        """True if it is about this case on this server."""
        is_meant = case.id in self.ids or any(
            case.id.startswith(one) for one in self.ids if one.endswith(".")
        )
        return server in self.servers and is_meant and case.hears[-1] in self.codes


DEVIATIONS = (
    Deviation(
        HYPERCORN,
        ("2.", "3.", "4.", "5.", "6.", "7.3.", "7.5.", "7.9.", "7.13."),
        (1002, 1007),
        1006,
        "wsproto names the code of a violation; hypercorn drops the connection and sends no close",
    ),
    Deviation(
        ("picows",), ("7.1.2",), (1000,), 1002, "bytes behind a close frame count as a violation"
    ),
    Deviation(
        ("uvicorn",), ("7.1.5",), (1000,), 1002, "websockets reads on behind the close frame"
    ),
)


@pytest.fixture(scope="module", params=RUNNERS)
def served(request: pytest.FixtureRequest) -> Generator[tuple[str, Target]]:
    """The application on a server, with healthy neighbours before and after all cases."""
    with target(request.param) as served, bystanders(served):
        yield request.param, served


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(served: tuple[str, Target], case: Case) -> None:
    server, attacked = served
    found = [one for one in DEVIATIONS if one.concerns(server, case)]
    assert len(found) <= 1
    wanted = case
    if found:
        wanted = replace(case, hears=(*case.hears[:-1], found[0].instead), codes=())
    with attacked.upgraded() as peer:
        heard = case.run(peer)
    assert wanted.allows(heard), found


@pytest.mark.parametrize("one", DEVIATIONS, ids=lambda one: one.why)
def test_a_deviation_is_about_cases_that_want_something_else(one: Deviation) -> None:
    for server in one.servers:
        about = [case for case in CASES if one.concerns(server, case)]
        assert about
        assert all(case.hears[-1] != one.instead for case in about)


def test_the_cases_have_names_of_their_own() -> None:
    names = [case.id for case in CASES]
    assert len(set(names)) == len(names) > 200
