"""A team chat inside a FastAPI application: the first of the applications that measure the API.

The HTTP side was there first: people log in with a cookie or a bearer token, routes share one
dependency for the database and one for the person. The socket uses both as they are.
"""
