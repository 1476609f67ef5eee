"""Counters of a node by their names, as Prometheus writes these."""

from bytesocket_app.cluster.metrics import ClusterCounters
from bytesocket_app.cluster.node import Node, NodeState


def metrics_of(node: Node | None) -> dict[str, int | float]:
    """Return the counters of a node by name; of none, all are 0."""
    counters = ClusterCounters() if node is None else node.counters
    waiting, size = (0, 0) if node is None else node.waiting
    dropped = counters.dropped_full + counters.dropped_volatile
    return {
        "engine_up": int(node is not None and node.state is not NodeState.DOWN),
        "engine_connections_total": counters.connections,
        "engine_round_trip_seconds": 0.0 if node is None else node.round_trip,
        'engine_published_total{outcome="sent"}': counters.sent,
        'engine_published_total{outcome="queued"}': counters.queued,
        'engine_published_total{outcome="dropped"}': dropped,
        'engine_dropped_total{why="buffer"}': counters.dropped_full,
        'engine_dropped_total{why="volatile"}': counters.dropped_volatile,
        "engine_received_total": counters.received,
        "engine_lost_total": counters.lost,
        "engine_doubles_total": counters.doubles,
        "engine_foreign_total": counters.foreign,
        "engine_refused_total": counters.refused,
        'engine_rates_total{counted="engine"}': counters.rates_shared,
        'engine_rates_total{counted="here"}': counters.rates_here,
        "engine_waiting": waiting,
        "engine_waiting_bytes": size,
        "engine_channels": 0 if node is None else node.channels,
        "cluster_nodes": 0 if node is None else 1 + len(node.peers),
        "cluster_settle_seconds": 0.0 if node is None else node.settled_in,
    }
