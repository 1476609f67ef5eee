"""Counters of a node."""

from dataclasses import dataclass


@dataclass(slots=True)
class ClusterCounters:
    """Counters of a node since it started.

    Attributes:
        connections: Connections to the broker.
        sent: Messages handed to the broker at once.
        queued: Messages that waited for it.
        dropped_full: Messages that found the buffer full.
        dropped_volatile: Volatile messages that found no connection.
        refused: Messages that the broker would not take.
        received: Messages of other nodes.
        lost: Messages of other nodes that never came, by their numbers.
        doubles: Messages that came twice, and were delivered once.
        foreign: What was on our channels and is no message of ours.
        rates_shared: Messages of a shared rate that the engine counted.
        rates_here: Those that this process counted by itself, as the engine did not.
    """

    connections: int = 0
    sent: int = 0
    queued: int = 0
    dropped_full: int = 0
    dropped_volatile: int = 0
    refused: int = 0
    received: int = 0
    lost: int = 0
    doubles: int = 0
    foreign: int = 0
    rates_shared: int = 0
    rates_here: int = 0
