"""The texts of LATENCY GRAPH and LATENCY DOCTOR, to the letter those of the servers.

Only the events ``command`` and ``fast-command`` exist here, so of the doctor's advice only theirs is known.
"""

from __future__ import annotations

from typing import Final

from miniredis.engine.engine import Engine
from miniredis.engine.latency import LatencyEvent

COLUMNS: Final = 80
ROWS: Final = 4
_LEVELS: Final = "_o#"
_SPANS: Final = ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (1 << 62, 86400, "d"))


def graph(name: str, event: LatencyEvent, second: int) -> str:
    """*event*, called *name*, drawn as columns, each labelled with its age at *second*."""
    latencies = [latency for _, latency in event.samples]
    low, high = min(latencies), max(latencies)
    text = f"{name} - high {high} ms, low {low} ms (all time high {event.maximum} ms)\n" + "-" * COLUMNS + "\n"
    span = max(high - low, 1)
    columns = [_column(latency - low, span) + " " + _age(second - when) for when, latency in event.samples]
    for start in range(0, len(columns), COLUMNS):
        chunk = columns[start : start + COLUMNS]
        height = max(map(len, chunk))
        padded = [column.ljust(height) for column in chunk]
        text += "".join("".join(row) + "\n" for row in zip(*padded, strict=True))
    return text


def _column(value: int, span: int) -> str:
    """From top to bottom, the characters of one column: *value* of *span*."""
    step = min(value * ROWS * len(_LEVELS) // span, ROWS * len(_LEVELS) - 1)
    row, level = divmod(step, len(_LEVELS))
    return (_LEVELS[level] + "|" * row).rjust(ROWS)


def _age(seconds: int) -> str:
    return next(f"{seconds // unit}{letter}" for limit, unit, letter in _SPANS if seconds < limit)


def doctor(engine: Engine) -> str:
    """What the server has to say about its own latency."""
    server = "Valkey" if engine.version.is_valkey else "Redis"
    if not engine.config.latency_monitor_threshold:
        text = (
            f"I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this {server} instance. You may use"
            ' "CONFIG SET latency-monitor-threshold <milliseconds>." in order to enable it.'
        )
        if not engine.version.is_valkey:
            text += (
                " If we weren't in a deep space mission I'd suggest to take a look at"
                " https://redis.io/topics/latency-monitor."
            )
        return text + "\n"
    if not engine.latency.events:
        if engine.version.is_valkey:
            return (
                f"No latency spike was observed during the lifetime of this {server} instance,"
                " not in the slightest bit.\n"
            )
        return (
            f"Dave, no latency spike was observed during the lifetime of this {server} instance, not in the slightest"
            " bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n"
        )
    if engine.version.is_valkey:
        opening, advice = f"Latency spikes are observed in this {server} instance.", "Here is some advice for you:"
    else:
        opening = (
            f"Dave, I have observed latency spikes in this {server} instance."
            " You don't mind talking about it, do you Dave?"
        )
        advice = "I have a few advices for you:"
    findings = "".join(
        f"{number}. {_finding(name.decode(), event, engine.now // 1000)}"
        for number, (name, event) in enumerate(engine.latency.events.items(), 1)
    )
    return f"{opening}\n\n{findings}\n{advice}\n\n{_advice(engine, server)}"


def _finding(name: str, event: LatencyEvent, second: int) -> str:
    latencies = [latency for _, latency in event.samples]
    average = sum(latencies) // len(latencies)
    deviation = sum(abs(latency - average) for latency in latencies) // len(latencies)
    period = max((second - event.samples[0][0]) // len(latencies), 1)
    return (
        f"{name}: {len(latencies)} latency spikes (average {average}ms, mean deviation {deviation}ms,"
        f" period {period:.2f} sec). Worst all time event {event.maximum}ms.\n"
    )


def _advice(engine: Engine, server: str) -> str:
    config, events = engine.config, engine.latency.events
    threshold = config.latency_monitor_threshold
    lines = []
    if b"command" in events:
        if config.slowlog_log_slower_than < 0 or config.slowlog_max_len == 0:
            lines.append(
                "There are latency issues with potentially slow commands you are using. Try to enable the Slow Log"
                f" {server} feature using the command 'CONFIG SET slowlog-log-slower-than {threshold * 1000}'. If the"
                f" Slow log is disabled {server} is not able to log slow commands execution for you."
            )
        elif config.slowlog_log_slower_than // 1000 > threshold:
            lines.append(
                "Your current Slow Log configuration only logs events that are slower than your configured latency"
                f" monitor threshold. Please use 'CONFIG SET slowlog-log-slower-than {threshold * 1000}'."
            )
        lines.append(
            "Check your Slow Log to understand what are the commands you are running which are too slow to execute."
            f" Please check https://{server.lower()}.io/commands/slowlog for more information."
        )
    if b"fast-command" in events:
        lines.append(
            f"The system is slow to execute {server} code paths not containing system calls. This usually means the"
            f" system does not provide {server} CPU time to run for long periods. You should try to:\n"
            "  1) Lower the system load.\n"
            f"  2) Use a computer / VM just for {server} if you are running other software in the same system.\n"
            '  3) Check if you have a "noisy neighbour" problem.\n'
            f"  4) Check with '{server.lower()}-cli --intrinsic-latency 100' what is the intrinsic latency in your"
            " system.\n"
            f"  5) Check if the problem is allocator-related by recompiling {server} with MALLOC=libc, if you are using"
            " Jemalloc. However this may create fragmentation problems."
        )
    if b"command" in events:
        lines.append(
            "Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you"
            " have very large objects that are often deleted, expired, or evicted, try to fragment those objects into"
            " multiple smaller objects."
        )
    return "".join(f"- {line}\n" for line in lines)
