"""The processes of one application as one: what is published reaches members in all of them."""

from bytesocket_app.cluster.node import Node, NodeListener, NodeState

__all__ = ["Node", "NodeListener", "NodeState"]
