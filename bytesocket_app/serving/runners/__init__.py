"""Servers that can run the application: one file each, imported only when asked for.

What they share (lifespan, the order of a shutdown) is in `hosting`; a runner adds how its server
is started and told to stop. Nothing here knows events, rooms or authentication.
"""
