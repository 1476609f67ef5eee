"""Which engine a server runs an application with, and what it says while the broker is lost."""

import re
from collections.abc import Generator
from uuid import uuid4

import httpx
import pytest
from anyio import create_task_group

from bytesocket_app import ByteSocket, ConfigurationError, Settings
from bytesocket_app.engines import EngineAddress, MemoryBroker, parse_engine
from bytesocket_app.engines.memory import BROKERS, broker_of
from bytesocket_app.engines.url import VARIABLE
from bytesocket_app.errors import EngineError
from bytesocket_app.serving.clustering import ENGINE_TIMEOUT, engine_of
from bytesocket_app.settings import Policies, Timeouts
from bytesocket_app.testing import TestClient
from bytesocket_app.transports.lifespan import run_lifespan
from tests.support.asgi import Call, socket_scope
from tests.support.talk import talk, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def broker() -> Generator[MemoryBroker]:
    """A broker in this process."""
    name = f"choice-{uuid4().hex}"
    yield broker_of(name)
    del BROKERS[name]


class TestTheEnvironment:
    async def test_it_names_the_engine_of_whoever_serves(
        self, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = talk()
        monkeypatch.setenv(VARIABLE, f"memory://{broker.name}")
        async with run_lifespan(app, {}, timeout=5):
            assert len(broker.engines) == 1
            assert app.hub.elsewhere is not None
        monkeypatch.delenv(VARIABLE)
        async with app.running():
            assert broker.engines == []
            assert app.hub.elsewhere is None

    async def test_it_goes_before_the_applications_own(
        self, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, "memory://")
        async with talk(engine=f"memory://{broker.name}").running():
            assert broker.engines == []
        monkeypatch.setenv(VARIABLE, "")
        async with talk(engine=f"memory://{broker.name}").running():
            assert len(broker.engines) == 1

    async def test_a_test_client_does_not_look_at_it(
        self, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, "redis://127.0.0.1:1")
        async with TestClient(talk()):
            pass
        async with TestClient(talk(engine=f"memory://{broker.name}")):
            assert len(broker.engines) == 1
        assert broker.engines == []

    @pytest.mark.parametrize("name", [VARIABLE, ENGINE_TIMEOUT])
    async def test_a_value_that_cannot_be_is_said_with_its_name(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, "soon")
        with pytest.raises(ConfigurationError, match=f"^{name}"):
            async with talk().running():
                pass

    def test_the_time_to_reach_the_broker_is_its_or_else_the_applications(self) -> None:
        own = parse_engine("redis://one")
        assert engine_of({}, own, 10.0) == (own, 10.0)
        assert engine_of({ENGINE_TIMEOUT: "2.5"}, own, 10.0) == (own, 2.5)
        chosen = engine_of({VARIABLE: "nats://two"}, own, 0.0)
        assert isinstance(chosen.engine, EngineAddress)
        assert (chosen.engine.shown, chosen.patience) == ("nats://two:4222", 0.0)
        for wrong in ("-1", "inf", "nan"):
            with pytest.raises(ConfigurationError, match="is no time"):
                engine_of({ENGINE_TIMEOUT: wrong}, own, 10.0)


async def test_a_broker_that_is_not_reached_in_time_ends_the_start_and_says_why(
    broker: MemoryBroker,
) -> None:
    broker.stop()
    settings = Settings(timeouts=Timeouts(engine=0.05))
    app = talk(settings, engine=f"memory://{broker.name}")
    with pytest.raises(EngineError, match=r"reached in 0\.05 s: the broker was stopped"):
        async with app.running():
            pass


class TestWithoutALifespan:
    async def test_an_engine_needs_one_and_the_first_handshake_says_so(
        self, broker: MemoryBroker
    ) -> None:
        app = talk(engine=f"memory://{broker.name}")
        call = Call(app, socket_scope())
        call.tell("websocket.connect")
        with pytest.raises(ConfigurationError, match=r"Use app\.attach\(host\), or put"):
            await call.run()

    async def test_one_that_the_environment_names_does_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = talk()
        monkeypatch.setenv(VARIABLE, "redis://127.0.0.1:1")
        call = Call(app, socket_scope())
        call.tell("websocket.connect")
        with pytest.raises(ConfigurationError, match="Talk has an engine"):
            await call.run()

    async def test_memory_alone_does_not(self) -> None:
        call = Call(talk(), socket_scope())
        call.tell("websocket.connect")
        async with create_task_group() as tasks:
            tasks.start_soon(call.run)
            await until(lambda: "accept" in call.kinds())
            call.tell("websocket.disconnect", code=1000)


async def answers(app: ByteSocket, *paths: str) -> list[tuple[int, str]]:
    """What an application answers to requests."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        found = [await client.get(path) for path in paths]
    return [(answer.status_code, answer.text) for answer in found]


class TestReadiness:
    async def test_it_is_lost_after_the_grace_with_the_reason_and_comes_back(
        self, broker: MemoryBroker
    ) -> None:
        settings = Settings(timeouts=Timeouts(engine_grace=0.05))
        app = talk(settings, engine=f"memory://{broker.name}")
        async with app.running():
            assert await answers(app, "/ready") == [(200, "ok\n")]
            broker.stop()
            await until(lambda: app.endpoint.unready)
            ready, health = await answers(app, "/ready", "/health")
            assert ready[0] == 503
            assert re.fullmatch(r"engine down \d+ s: the broker was stopped\n", ready[1])
            assert health == (200, "ok\n")
            broker.start()
            await until(lambda: not app.endpoint.unready)
            assert await answers(app, "/ready") == [(200, "ok\n")]

    @pytest.mark.parametrize(
        "settings",
        [
            Settings(timeouts=Timeouts(engine_grace=60)),
            Settings(timeouts=Timeouts(engine_grace=0)),
            Settings(timeouts=Timeouts(engine_grace=0.001), policies=Policies(engine_down="ready")),
        ],
    )
    async def test_it_is_kept_within_the_grace_and_where_the_policy_says_so(
        self, broker: MemoryBroker, settings: Settings
    ) -> None:
        app = talk(settings, engine=f"memory://{broker.name}")
        async with app.running():
            broker.stop()
            assert app.cluster is not None
            cluster = app.cluster
            await until(lambda: (cluster.outage() or (0, ""))[0] > 0.01)
            assert await answers(app, "/ready") == [(200, "ok\n")]
