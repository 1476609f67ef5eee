"""Delivery: live sockets, who is in which room, and the fan-out of events to them."""
