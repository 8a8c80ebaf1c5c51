"""What the operating system says about this process and the machine. Read when asked for, never on a command's path.

An engine cannot tell which part of the process's memory is its own: inside a test, most of it is not. So only where
Redis reports its resident memory, that of the process is reported (what its dataset takes is reckoned, see
:mod:`miniredis.engine.memory`). What a system does not tell is 0.
"""

from __future__ import annotations

import os
import sys

try:
    import resource
except ImportError:  # Windows has no such thing
    resource = None  # type: ignore[assignment]

from miniredis.engine.record import record


def resident_memory() -> int:
    """The memory of this process that is in RAM, in bytes."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return _peak_memory()


def _peak_memory() -> int:
    """The most of it that there ever was, in bytes."""
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def system_memory() -> int:
    """The RAM of the machine in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


@record
class CpuTimes:
    """Seconds of CPU time in the system and in the program."""

    system: float = 0.0
    user: float = 0.0


def cpu_times() -> dict[str, CpuTimes]:
    """The CPU times of this process, of its children, and of this thread where the system keeps them apart."""
    if resource is None:
        return dict.fromkeys(("", "_children", "_main_thread"), CpuTimes())
    own_thread = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
    whose = {"": resource.RUSAGE_SELF, "_children": resource.RUSAGE_CHILDREN, "_main_thread": own_thread}
    usages = {suffix: resource.getrusage(who) for suffix, who in whose.items()}
    return {suffix: CpuTimes(usage.ru_stime, usage.ru_utime) for suffix, usage in usages.items()}
