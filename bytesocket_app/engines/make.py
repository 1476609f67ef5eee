"""Engine of a URL: the parts that not everybody needs are imported here."""

from importlib.util import find_spec

from bytesocket_app.engines.interface import Engine
from bytesocket_app.engines.memory import MemoryEngine, broker_of
from bytesocket_app.engines.url import MEMORY, REDIS, EngineAddress
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.event_loop import is_asyncio


def make_engine(address: EngineAddress, name: str) -> Engine:
    """Make the engine of an address, inside an event loop.

    Args:
        address: The broker; one in memory is shared by all applications of this process.
        name: What the broker lists the connection as.

    Raises:
        ConfigurationError: A package is missing, or the event loop is not one for this engine.
    """
    if address.scheme == MEMORY:
        return MemoryEngine(broker_of(address.name))
    if address.scheme in REDIS:
        _check_installed("hiredis", "redis", address)
        from bytesocket_app.engines.redis import RedisEngine

        return RedisEngine(address, name=name)
    if not is_asyncio():
        raise ConfigurationError(
            f"{address.shown} needs asyncio, as NATS' client does: run with it, or use Redis."
        )
    _check_installed("nats", "nats", address)
    from bytesocket_app.engines.nats import NatsEngine

    return NatsEngine(address, name=name)


def _check_installed(package: str, extra: str, address: EngineAddress) -> None:
    if find_spec(package) is None:
        raise ConfigurationError(
            f"{address.shown} needs a package that is missing: pip install 'bytesocket[{extra}]'"
        )
