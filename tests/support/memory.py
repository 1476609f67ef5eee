"""Memory of a process, as the kernel counts it."""

from pathlib import Path


class Peak:
    """The most that a process has had since this was made.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc") / str(pid)
        (self._folder / "clear_refs").write_text("5")  # the peak begins anew
        self._before = self._kilobytes("VmRSS")

    def grown(self) -> float:
        """The MiB by which it was larger than in the beginning."""
        return (self._kilobytes("VmHWM") - self._before) / 1024

    def _kilobytes(self, field: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field))
