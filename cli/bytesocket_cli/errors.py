"""The one error of the command line: a message for a person, and an exit code."""

FINE = 0
FINDINGS = 1
USAGE = 2


class CliError(Exception):
    """Ends the command with one message on stderr and no traceback.

    Args:
        message: What, where, and what to do; further lines only where they show something.
        code: `FINDINGS` for a check that found something, `USAGE` for everything a user can mend.
    """

    def __init__(self, message: str, *, code: int = USAGE) -> None:
        self.code = code
        super().__init__(message)
