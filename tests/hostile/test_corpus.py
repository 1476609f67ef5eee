"""Every file of the corpus: against every server, or in process from decoding to dispatch."""

from collections.abc import Generator

import pytest

from tests.support import corpus
from tests.support.corpus import Entry, allowed, heard_in_process, last_code, status
from tests.support.hostile import Target, bystanders, target
from tests.support.hostile_app import SERVERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[tuple[str, Target]]:
    """The application on a server, with healthy neighbours before and after all attacks."""
    with target(request.param) as served, bystanders(served):
        yield request.param, served


@pytest.mark.parametrize("entry", corpus.of("http"), ids=lambda entry: entry.name)
def test_request(served: tuple[str, Target], entry: Entry) -> None:
    server, attacked = served
    assert status(attacked, entry) in allowed(entry.but.get(server, entry.expect))


@pytest.mark.parametrize("entry", corpus.of("frames"), ids=lambda entry: entry.name)
def test_frames(served: tuple[str, Target], entry: Entry) -> None:
    assert last_code(served[1], entry) in entry.expect


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    "entry", corpus.of("json", "msgpack", "auth"), ids=lambda entry: f"{entry.kind}-{entry.name}"
)
async def test_message(anyio_backend: str, entry: Entry) -> None:
    assert await heard_in_process(entry) == entry.expect


def test_no_file_of_the_corpus_is_left_out() -> None:
    entries = corpus.entries()
    files = {path.relative_to(corpus.FOLDER) for path in corpus.FOLDER.rglob("*.bin")}
    named = {f"{one.kind}/{one.name}" for one in entries if not one.build}
    assert {str(path.with_suffix("")) for path in files} == named
    assert len({(one.kind, one.name) for one in entries}) == len(entries) >= 60
    assert all(path.stat().st_size < 4096 for path in corpus.FOLDER.rglob("*.bin"))
