"""What `ByteSocket(...)` may be given, where a type alone does not say it."""

from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.wire import CODECS


def check_options(title: str, path: str, serialization: str, engine: str) -> None:
    """Refuse what `ByteSocket` cannot serve.

    Raises:
        ConfigurationError: Says which argument, and what it should be.
    """
    problem = None
    if not title.strip():
        problem = f"title={title!r} is empty: it names the generated clients, as in 'Chat'."
    elif not path.startswith("/") or {"?", "#"} & set(path):
        problem = f"path={path!r} must begin with a slash and have no query, as in '/ws'."
    elif serialization not in CODECS:
        problem = f"serialization={serialization!r} is none of {', '.join(map(repr, CODECS))}."
    elif engine != "memory://":
        problem = f"engine={engine!r} is not available: 'memory://' is the only one so far."
    if problem is not None:
        raise ConfigurationError(f"{caller()}: {problem}")
