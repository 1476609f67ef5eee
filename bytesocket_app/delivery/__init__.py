"""Delivery: open sockets, their rooms and users, and the fan-out of events to them."""
