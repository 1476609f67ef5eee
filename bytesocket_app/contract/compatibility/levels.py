"""The words of a verdict: how bad a change is, and for whom."""

from enum import StrEnum


class Level(StrEnum):
    """How bad a change is, worst first.

    Deployed clients keep the code that was generated from the old contract, and the server runs
    the new one: `WIRE` is about them, `SOURCE` about the day they are generated again.
    """

    WIRE = "wire"
    """A deployed client, or the server, fails at run time."""
    SOURCE = "source"
    """Code that uses the client may not compile any more when the client is generated again."""
    SILENT = "silent"
    """Everything is accepted, and means something else, or is lost; also what cannot be judged."""
    SAFE = "safe"
    """Nobody notices."""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Level).index(self)


class Way(StrEnum):
    """Who sends the data that a finding is about."""

    C2S = "c2s"
    """Clients: what old ones send has to be accepted, so the new type must be a supertype."""
    S2C = "s2c"
    """The server: what it sends has to be understood, so the new type must be a subtype."""
