"""LATENCY: what the latency monitor saw, and the distribution of each command's durations."""

from __future__ import annotations

from miniredis.commands.help import subcommand_help
from miniredis.commands.server.latency_report import doctor, graph
from miniredis.engine import errors
from miniredis.engine.command import Variant, command, container
from miniredis.engine.engine import CommandState
from miniredis.engine.latency import histogram
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply, Verbatim

container(
    "LATENCY",
    summary="A container for latency diagnostics commands.",
    since="2.8.13",
    group="server",
    complexity="Depends on subcommand.",
)


@command(
    "LATENCY|LATEST",
    arity=2,
    summary="Returns the latest latency samples for all events.",
    since="2.8.13",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale",
    tips=["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
)
def latency_latest(client: Session, argv: list[bytes]) -> Reply:
    replies: list[Reply] = []
    for name, event in client.engine.latency.events.items():
        second, latest = event.samples[-1]
        reply: list[Reply] = [name, second, latest, event.maximum]
        if client.engine.version.is_valkey:
            reply += [event.total, event.count]
        replies.append(reply)
    return replies


@command(
    "LATENCY|HISTORY event",
    arity=3,
    summary="Returns timestamp-latency samples for an event.",
    since="2.8.13",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale",
    tips=["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
)
def latency_history(client: Session, argv: list[bytes]) -> Reply:
    event = client.engine.latency.events.get(argv[2])
    return [] if event is None else [list(sample) for sample in event.samples]


@command(
    "LATENCY|GRAPH event",
    arity=3,
    summary="Returns a latency graph for an event.",
    since="2.8.13",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale",
    tips=["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
)
def latency_graph(client: Session, argv: list[bytes]) -> Reply:
    event = client.engine.latency.events.get(argv[2])
    if event is None:
        raise Error(b"ERR No samples available for event '%b'" % errors.until_nul(argv[2]))
    return Verbatim(graph(argv[2].decode(), event, client.engine.now // 1000).encode())


@command(
    "LATENCY|DOCTOR",
    arity=2,
    summary="Returns a human-readable latency analysis report.",
    since="2.8.13",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale",
    tips=["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
)
def latency_doctor(client: Session, argv: list[bytes]) -> Reply:
    return Verbatim(doctor(client.engine).encode())


@command(
    "LATENCY|RESET [event [event ...]]",
    arity=-2,
    summary="Resets the latency data for one or more events.",
    since="2.8.13",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale",
    tips=["request_policy:all_nodes", "response_policy:agg_sum"],
    variants=[Variant(until="7.2.0", tips=("request_policy:all_nodes", "response_policy:all_succeeded"))],
)
def latency_reset(client: Session, argv: list[bytes]) -> Reply:
    latency = client.engine.latency
    return sum(latency.reset(event) for event in argv[2:] or list(latency.events))


@command(
    "LATENCY|HISTOGRAM [command [command ...]]",
    arity=-2,
    summary="Returns the cumulative distribution of latencies of a subset or all commands.",
    since="7.0.0",
    group="server",
    complexity="O(N) where N is the number of commands with latency information being retrieved.",
    flags="admin noscript loading stale",
    tips=["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
)
def latency_histogram(client: Session, argv: list[bytes]) -> Reply:
    reply: dict[bytes, Reply] = {}
    for state in _named(client, argv[2:]) if len(argv) > 2 else client.engine.command_states():
        shown = histogram(state.durations)
        if shown:
            name = state.command.name.encode()
            reply[name] = {b"calls": sum(state.durations), b"histogram_usec": shown}
    return reply


def _named(client: Session, names: list[bytes]) -> list[CommandState]:
    """The commands called *names*, a container standing for its subcommands; what does not exist is left out."""
    engine = client.engine
    states = []
    for name in names:
        command = engine.table.lookup_full_name(name)
        if command is not None:
            states += [engine.state_of(each) for each in command.subcommands.values() or [command]]
    return states


@command(
    "LATENCY|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="2.8.13",
    group="server",
    complexity="O(1)",
    flags="loading stale",
)
def latency_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "LATENCY",
        (
            "DOCTOR",
            "    Return a human readable latency analysis report.",
            "GRAPH <event>",
            "    Return an ASCII latency graph for the <event> class.",
            "HISTORY <event>",
            "    Return time-latency samples for the <event> class.",
            "LATEST",
            "    Return the latest latency samples for all events.",
            "RESET [<event> ...]",
            "    Reset latency data of one or more <event> classes.",
            "    (default: reset all data for all event classes)",
            "HISTOGRAM [COMMAND ...]",
            "    Return a cumulative distribution of latencies in the format of a histogram"
            " for the specified command names.",
            "    If no commands are specified then all histograms are replied.",
        ),
    )
