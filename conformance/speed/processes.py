"""What a process takes, by Linux's ``/proc``."""

from __future__ import annotations

import os
import re
from pathlib import Path


def resident(pid: int, *, peak: bool = False) -> int:
    """Bytes of memory that the process holds, or has held at most. Raises ``OSError`` where there is no ``/proc``."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{'VmHWM' if peak else 'VmRSS'}:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise OSError(f"/proc/{pid}/status does not tell its memory")
    return int(found[1]) * 1024


def forget_peak(pid: int) -> None:
    """Let the peak begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def processor_nanoseconds(pid: int) -> int:
    """Nanoseconds of processor time that the process's main thread has taken when it next sleeps: before, the kernel
    does not know all of it."""
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        pass
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that the process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
