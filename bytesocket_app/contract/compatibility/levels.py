"""Levels and directions of findings."""

from enum import StrEnum


class Level(StrEnum):
    """Severity of a change, worst first.

    Deployed clients keep the code generated from the old contract, while the server runs the new
    one: `WIRE` is about those, `SOURCE` about clients that are generated again.
    """

    WIRE = "wire"
    """Failure of a deployed client, or of the server, at run time."""
    SOURCE = "source"
    """Code that uses the client may no longer compile when the client is generated again."""
    SILENT = "silent"
    """Data is accepted, but has another meaning or is lost; also changes that cannot be judged."""
    SAFE = "safe"
    """No effect on clients."""

    @property
    def rank(self) -> int:
        """Position of the level; 0 for the worst."""
        return list(Level).index(self)


class Way(StrEnum):
    """Sender of the data that a finding is about."""

    C2S = "c2s"
    """Clients: data of old clients has to be accepted, so the new type must be a supertype."""
    S2C = "s2c"
    """The server: old clients have to understand its data, so the new type must be a subtype."""
