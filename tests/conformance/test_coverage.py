"""The scenarios leave nothing out: every command, every option, every error text that miniredis can give.

What they do not show is listed here, with its reason.
"""

# ruff: noqa: E501 - error texts stand as they are

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

import miniredis
import miniredis.commands
from conformance.scenario import Action, Step, load_all
from conformance.transcript import parse
from miniredis.engine.syntax import Argument
from miniredis.engine.table import Command, CommandTable
from miniredis.engine.version import VERSIONS
from miniredis.resp import Error

SENDING: Final = (Action.CALL, Action.BLOCK, Action.SEND, Action.UNTIL)
ERROR_LINE: Final = re.compile(r"^ *(?:\d+[)~>] +)*(\(error\) .*)$", re.MULTILINE)
AROUND_SCRIPTS: Final = re.compile(r"^ERR Error registering functions: | script: (?:\w+, )?on @.*$")
"""What is put around an error that ends a script."""
PLACEHOLDER: Final = re.compile(r"%[bdfrs]")

OTHER_SERVERS: Final = "needs a second server: tests/replication, tests/server/test_migrate.py"
ENDS: Final = "ends the server, or waits to: tests/server"
DEBUGGER: Final = "starts a debugger, which miniredis does not have"
MODULES: Final = "needs a module, which is machine code"
AS_GEOSEARCH: Final = "GEOSEARCH shows it: an older name of the same"
WITHOUT_DISK: Final = "needs a disk that fails: tests/engine/test_persistence.py"
REPLICAS: Final = "needs a replica, or a link that is down: tests/replication"
WITHOUT_CLUSTER: Final = "refused with all its arguments where there is no cluster"
SOONER: Final = "refused sooner, in other words, wherever a scenario can ask"
NOT_ASKED: Final = "of Redis 8.4, which nobody asked: tests/commands/test_strings_conditional.py"

COMMANDS_LEFT_OUT: Final[dict[str, str]] = {"delex": NOT_ASKED, "digest": NOT_ASKED}
"""Command → why no scenario has it."""

OPTIONS_LEFT_OUT: Final[dict[str, str]] = {
    "bgsave CANCEL": "whether a save is under way is a matter of time",
    "bgsave SCHEDULE": "whether a save is under way is a matter of time",
    "clusterscan COUNT": WITHOUT_CLUSTER,
    "clusterscan MATCH": WITHOUT_CLUSTER,
    "clusterscan SLOT": WITHOUT_CLUSTER,
    "clusterscan TYPE": WITHOUT_CLUSTER,
    "cluster|failover FORCE": WITHOUT_CLUSTER,
    "cluster|failover TAKEOVER": WITHOUT_CLUSTER,
    "cluster|flushslot ASYNC": WITHOUT_CLUSTER,
    "cluster|flushslot SYNC": WITHOUT_CLUSTER,
    "cluster|migrateslots NODE": WITHOUT_CLUSTER,
    "cluster|migrateslots SLOTSRANGE": WITHOUT_CLUSTER,
    "cluster|replicate NO": WITHOUT_CLUSTER,
    "cluster|replicate ONE": WITHOUT_CLUSTER,
    "cluster|reset HARD": WITHOUT_CLUSTER,
    "cluster|reset SOFT": WITHOUT_CLUSTER,
    "cluster|setslot IMPORTING": WITHOUT_CLUSTER,
    "cluster|setslot MIGRATING": WITHOUT_CLUSTER,
    "cluster|setslot NODE": WITHOUT_CLUSTER,
    "cluster|setslot STABLE": WITHOUT_CLUSTER,
    "cluster|setslot TIMEOUT": WITHOUT_CLUSTER,
    "cluster|slot-stats ASC": WITHOUT_CLUSTER,
    "cluster|slot-stats DESC": WITHOUT_CLUSTER,
    "cluster|slot-stats LIMIT": WITHOUT_CLUSTER,
    "cluster|slot-stats ORDERBY": WITHOUT_CLUSTER,
    "cluster|slot-stats SLOTSRANGE": WITHOUT_CLUSTER,
    "delex IFDEQ": NOT_ASKED,
    "delex IFDNE": NOT_ASKED,
    "delex IFEQ": NOT_ASKED,
    "delex IFNE": NOT_ASKED,
    "failover ABORT": OTHER_SERVERS,
    "failover FORCE": OTHER_SERVERS,
    "failover TIMEOUT": OTHER_SERVERS,
    "failover TO": OTHER_SERVERS,
    "migrate AUTH": OTHER_SERVERS,
    "migrate AUTH2": OTHER_SERVERS,
    "module|loadex ARGS": MODULES,
    "module|loadex CONFIG": MODULES,
    "script|debug SYNC": DEBUGGER,
    "script|debug YES": DEBUGGER,
    "shutdown ABORT": ENDS,
    "shutdown FAILOVER": ENDS,
    "shutdown FORCE": ENDS,
    "shutdown NOSAVE": ENDS,
    "shutdown NOW": ENDS,
    "shutdown SAFE": ENDS,
    "shutdown SAVE": ENDS,
}
"""``COMMAND TOKEN`` → why no scenario has it with success."""

MODULES_LEFT_OUT: Final[dict[str, str]] = {
    "testing/faults.py": "what a test says on purpose; what Redis says of the same stands where it is said",
}
"""Modules whose error texts no scenario shows → why."""

ERRORS_LEFT_OUT: Final[dict[str, str]] = {
    "ERR There was an error trying to save the ACLs. Please check the server logs for more information": WITHOUT_DISK,
    "ERR Argument must be ON or OFF": "of PFSELFTEST and PFDEBUG SIMD: what no server should say",
    "ERR TESTFAILED sparse encoding not used": "of PFSELFTEST and PFDEBUG SIMD: what no server should say",
    "ERR TESTFAILED dense/sparse disagree": "of PFSELFTEST and PFDEBUG SIMD: what no server should say",
    "ERR TESTFAILED Too big error. card:%s abserr:%s": "of PFSELFTEST and PFDEBUG SIMD: what no server should say",
    "IOERR error or timeout connecting to the client": OTHER_SERVERS,
    "IOERR error or timeout reading to target instance": OTHER_SERVERS,
    "ERR Target instance replied with error: %s": OTHER_SERVERS,
    "ERR there is no script debugger here": DEBUGGER,
    "ERR Rewriting config file: %s": WITHOUT_DISK,
    "ERR Error trying to load the RDB dump%s": WITHOUT_DISK,
    "ERR this server does not crash: it may be part of a larger process": "of miniredis alone: what no command should lead to",
    "ERR Error loading the extension. Please check the server logs.": MODULES,
    "ERR Error unloading module: no such module with that name": MODULES,
    "ERR Command is not valid when client is a replica.": REPLICAS,
    "ERR Errors trying to SHUTDOWN. Check logs.": ENDS,
    "ERR internal error": "of miniredis alone: what no command should lead to",
    "ERR Replica can't interact with the keyspace": REPLICAS,
    "MISCONF %s is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the %s logs for details about the RDB error.": WITHOUT_DISK,
    "ERR max number of clients reached": "needs ten thousand clients: tests/server, tests/embedded",
    "ERR Key should be of string type if conditions are specified": NOT_ASKED,
    "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE": NOT_ASKED,
    "ERR must be exactly %s hexadecimal characters": NOT_ASKED,
    "ERR invalid numkeys value": NOT_ASKED,
    "ERR wrong number of key-value pairs": NOT_ASKED,
    "ERR reached lua stack limit": "ends a reply that is 8,000 levels deep: the scenario holds its digest",
    "ERR unknown error": "of miniredis alone: what no command should lead to",
    "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script.": SOONER,
    "READONLY Can not run script with write flag on readonly replica": SOONER,
    "MISCONF %s is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.": WITHOUT_DISK,
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'": SOONER,
}
"""Error text → why no scenario shows it."""


def steps() -> Iterator[Step]:
    return (step for scenario in load_all() for step in scenario.steps)


def calls() -> Iterator[tuple[str, set[str], Step]]:
    """The full name of each command that is sent (``config|get``), the words behind it in upper case, and its step."""
    tables = [CommandTable.for_version(version) for version in VERSIONS.values()]
    for step in steps():
        if step.action in SENDING:
            for table in tables:
                command = table.lookup_argv(step.argv)
                if command is not None:
                    words = {word.decode("latin-1").upper() for word in step.argv[1 + command.name.count("|") :]}
                    yield command.name, words, step


def commands() -> list[Command]:
    """Every command of every version; of containers, their subcommands."""
    found = {
        command.name: command
        for version in VERSIONS.values()
        for command in CommandTable.for_version(version).all()
        if not command.subcommands
    }
    return [found[name] for name in sorted(found)]


def tokens(arguments: Sequence[Argument]) -> Iterator[str]:
    for argument in arguments:
        if argument.token:
            yield argument.token
        yield from tokens(argument.children)


def succeeded(step: Step) -> bool:
    """Whether some server takes the step without an error; what is sent and read later counts as well."""
    return not step.recorded or any(not each.shown.startswith("(error)") for each in step.recorded)


def recorded_errors() -> set[str]:
    messages = {
        parse(line).message.decode("latin-1")
        for step in steps()
        for each in step.recorded
        for line in ERROR_LINE.findall(each.shown)
    }
    return messages | {AROUND_SCRIPTS.sub("", message) for message in messages}


def text_of(node: ast.expr) -> str | None:
    """The text that an expression builds, with placeholders; ``None`` if it is none that can be read here."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(text)):
            return text.decode("latin-1")
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "%s" for part in parts)
        case ast.BinOp(left=left, op=ast.Mod()):
            return text_of(left)
        case ast.BinOp(left=left, op=ast.Add(), right=right) if text_of(left) is not None:
            return f"{text_of(left)}{text_of(right) or '%s'}"
    return None


def texts_in(tree: ast.AST) -> Iterator[str]:
    """Every text that is built in the tree; of one that is put together, the whole alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.expr) and (text := text_of(node)) is not None:
            yield text
        else:
            yield from texts_in(node)


def error_texts() -> dict[str, str]:
    """Each error text of miniredis, with placeholders → the module that has it (the first, by name).

    What is no argument of ``Error`` itself is known by its beginning: one of the codes that these have.
    """
    root = Path(miniredis.__file__).parent
    trees = {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.py"))
    }
    given = [text for tree in trees.values() for node in ast.walk(tree) for text in arguments_of_error(node)]
    codes = {text.partition(" ")[0] for text in given if re.match(r"[A-Z]{3,} \S", text)}
    found: dict[str, str] = {}
    for module, tree in trees.items():
        for text in texts_in(tree):
            if text.partition(" ")[0] in codes and " " in text.strip() and "\n" not in text:
                found.setdefault(text, module)
    return found


def arguments_of_error(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Error" and node.args:
        text = text_of(node.args[0])
        if text is not None:
            yield text


def pattern_of(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, PLACEHOLDER.split(text.replace("%%", "%")))), re.DOTALL)


def test_every_command_appears() -> None:
    shown = {name for name, _, _ in calls()}
    missing = {command.name for command in commands()} - shown
    assert sorted(missing) == sorted(COMMANDS_LEFT_OUT)


def test_every_option_is_taken_by_a_server() -> None:
    taken: dict[str, set[str]] = {}
    for name, words, step in calls():
        if succeeded(step):
            taken.setdefault(name, set()).update(words)
    missing = {
        f"{command.name} {token}"
        for command in commands()
        for token in tokens(command.arguments)
        if token.upper() not in taken.get(command.name, set())
    }
    assert sorted(missing) == sorted(OPTIONS_LEFT_OUT)


def test_every_error_text_appears() -> None:
    errors = recorded_errors()
    missing = {
        text: module
        for text, module in error_texts().items()
        if module not in MODULES_LEFT_OUT and not any(pattern_of(text).fullmatch(error) for error in errors)
    }
    assert sorted(missing) == sorted(ERRORS_LEFT_OUT)


def test_an_error_is_read_from_the_source_with_placeholders() -> None:
    texts = error_texts()
    assert "ERR syntax error" in texts
    assert any(pattern_of(text).fullmatch("ERR wrong number of arguments for 'get' command") for text in texts)


def test_there_are_enough_steps() -> None:
    assert sum(1 for _ in steps()) >= 1500


@pytest.mark.parametrize("recorded", [step for step in steps() if step.recorded][:1])
def test_recorded_errors_are_found(recorded: Step) -> None:
    assert Error(b"ERR syntax error").message.decode() in recorded_errors()
