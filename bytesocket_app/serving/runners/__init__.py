"""Servers that can run the application: a module each, imported only where it is used.

`hosting` has the parts that they share: the lifespan, and the order of a shutdown. A runner adds
the start and the stop of its server.
"""
