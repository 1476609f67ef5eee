"""Values drawn of nasty models go through generated clients and come back as they were.

The server's value becomes a frame; a generated client reads it and sends what it read; the server
validates that. Documented normalisations: JavaScript reorders keys that look like integers, and
what a union of text and, say, UUID takes a text for is for the wire to say. Both leave the plain
form as it was.
"""

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bytesocket_app.client.payload import plain
from bytesocket_app.events import PayloadType
from bytesocket_app.wire import CODECS, HOLE, Codec
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import typescript
from tests.nasty import MODULES, Case, contract
from tests.support.echo import Echo
from tests.support.generated import PythonClient, data_of, load
from tests.support.sampling import samples

EXAMPLES = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def _cases(*, echo: bool) -> Iterator[Any]:
    for module, cases in MODULES.items():
        for name, case in cases.items():
            if case.direction == "both" and case.draws and case.echo is echo:
                yield pytest.param(module, name, id=f"{module}-{name!a}")


codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
echoing = pytest.mark.parametrize(("module", "event"), list(_cases(echo=True)))
sending = pytest.mark.parametrize(("module", "event"), list(_cases(echo=False)))


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Echo]:
    folder = tmp_path_factory.mktemp("echo")
    (folder / "package.json").write_text('{"type": "module"}')
    for name, cases in MODULES.items():
        source = typescript(contract(name, cases).document)
        (folder / f"{name}.ts").write_text(source, encoding="utf-8")
    with Echo("echo.ts", folder) as echo:
        yield echo


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PythonClient]:
    folder = tmp_path_factory.mktemp("clients")
    return {
        name: PythonClient(load(python(contract(name, cases).document), f"nasty_{name}", folder))
        for name, cases in MODULES.items()
    }


class Server:
    """The server's side of one event."""

    def __init__(self, name: str, case: Case, codec: Codec) -> None:
        self._name, self._codec = name, codec
        self._payload = PayloadType(case.payload)
        raw = case.json or codec.is_binary
        self.values = samples(case.payload, raw=raw)

    def write(self, value: Any) -> bytes:
        start, end = self._codec.envelope({"event": self._name, "data": HOLE})
        return start + self._payload.dump(value, self._codec.name) + end

    def read(self, frame: bytes) -> Any:
        return self._payload.validate(data_of(frame, self._codec), self._codec.name)

    def is_same(self, value: Any, other: Any) -> bool:
        return bool(value == other) or data_of(self.write(value), self._codec) == data_of(
            self.write(other), self._codec
        )


@codecs
@echoing
def test_typescript_gives_back_what_the_server_sent(
    echo: Echo, codec: Codec, module: str, event: str
) -> None:
    server = Server(event, MODULES[module][event], codec)

    @EXAMPLES
    @given(server.values)
    def run(value: Any) -> None:
        back = server.read(echo.give_back(f"{module}.ts", codec, event, server.write(value)))
        assert server.is_same(back, value)

    run()


@codecs
@echoing
def test_python_gives_back_what_the_server_sent(
    clients: dict[str, PythonClient], codec: Codec, module: str, event: str
) -> None:
    client, server = clients[module], Server(event, MODULES[module][event], codec)

    @EXAMPLES
    @given(server.values)
    def run(value: Any) -> None:
        received = client.read(event, server.write(value), codec)
        sent = client.write(event, plain(received, codec), codec)
        assert server.is_same(server.read(sent), value)

    run()


@codecs
@sending
def test_python_reads_what_may_not_be_sent_back(
    clients: dict[str, PythonClient], codec: Codec, module: str, event: str
) -> None:
    server = Server(event, MODULES[module][event], codec)

    @EXAMPLES
    @given(st.data())
    def run(data: st.DataObject) -> None:
        clients[module].read(event, server.write(data.draw(server.values)), codec)

    run()


@pytest.mark.parametrize(("module", "cases"), MODULES.items(), ids=list(MODULES))
def test_the_server_takes_what_is_called_good_and_refuses_what_is_bad(
    module: str, cases: dict[str, Case]
) -> None:
    for name, case in cases.items():
        server = PayloadType(case.payload)
        for good in case.good:
            server.validate(good, "binary")
        for bad in case.bad:
            with pytest.raises(ValidationError):
                pytest.fail(f"{name} took {bad!r}: {server.validate(bad, 'binary')!r}")
