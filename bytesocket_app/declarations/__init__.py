"""Declarations: handlers, rooms, routers and authentication, as an application states them."""
