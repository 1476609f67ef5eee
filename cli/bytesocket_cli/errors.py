"""Errors of the command line: a message for the user, and an exit code."""

FINE = 0
FINDINGS = 1
USAGE = 2
UNAVAILABLE = 1


class CliError(Exception):
    """Error that ends the command with one message on stderr and no traceback.

    Args:
        message: The problem, its place, and a remedy; further lines only for source or lists.
        code: `FINDINGS` for a check that found something, `USAGE` for errors a user can fix,
            `UNAVAILABLE` for what is not there or keeps ending, and may be there another time.
    """

    def __init__(self, message: str, *, code: int = USAGE) -> None:
        self.code = code
        super().__init__(message)
