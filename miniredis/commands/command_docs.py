"""A command as COMMAND INFO and COMMAND DOCS show it.

Summaries and arguments are worded as in Redis 7.2 whatever the version: 7.0's wording was another, but no client can
depend on it. What COMMAND INFO says is each version's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniredis.engine.command import KeySpec
from miniredis.engine.table import FLAGS, Command
from miniredis.engine.version import ServerVersion
from miniredis.resp.types import Reply, ReplySet, SimpleString

if TYPE_CHECKING:
    from miniredis.engine.syntax import Argument


def info_of(command: Command, version: ServerVersion) -> list[Reply]:
    """The ten facts of COMMAND INFO, subcommands last."""
    subcommands = [info_of(subcommand, version) for subcommand in command.subcommands.values()]
    return [
        command.name.encode(),
        command.arity,
        ReplySet(SimpleString(_flag_name(flag, version)) for flag in sorted(command.flags, key=FLAGS.index)),
        *command.key_range,
        ReplySet(SimpleString(f"@{category}".encode()) for category in command.categories),
        ReplySet(tip.encode() for tip in command.tips),
        ReplySet(_key_specification(spec) for spec in command.keys),
        subcommands if subcommands or version.is_valkey else ReplySet(),
    ]


def _flag_name(flag: str, version: ServerVersion) -> bytes:
    if flag == "skip_slowlog" and version.is_valkey:
        return b"skip_commandlog"
    return flag.encode()


def _key_specification(spec: KeySpec) -> dict[bytes, Reply]:
    notes: dict[bytes, Reply] = {b"notes": spec.notes.encode()} if spec.notes else {}
    return {
        **notes,
        b"flags": ReplySet(SimpleString(flag.encode()) for flag in spec.flags),
        b"begin_search": _typed(spec.begin, {"index": ("index",), "keyword": ("keyword", "startfrom"), "unknown": ()}),
        b"find_keys": _typed(
            spec.find,
            {"range": ("lastkey", "keystep", "limit"), "keynum": ("keynumidx", "firstkey", "keystep"), "unknown": ()},
        ),
    }


def _typed(part: tuple[str | int, ...], names: dict[str, tuple[str, ...]]) -> dict[bytes, Reply]:
    kind = str(part[0])
    values = (value.encode() if isinstance(value, str) else value for value in part[1:])
    return {
        b"type": kind.encode(),
        b"spec": dict(zip((name.encode() for name in names[kind]), values, strict=True)),
    }


def docs_of(command: Command, version: ServerVersion) -> dict[bytes, Reply]:
    """The map of COMMAND DOCS; what a command lacks is not in it."""
    declaration = command.declaration
    facts: dict[str, Reply] = {
        "summary": declaration.summary.encode(),
        "since": command.since.encode(),
        "group": declaration.group.encode(),
        "complexity": declaration.complexity.encode(),
    }
    doc_flags = declaration.doc_flags
    if command.is_deprecated:
        doc_flags = ("deprecated", *doc_flags)
    facts["doc_flags"] = ReplySet(SimpleString(flag.encode()) for flag in doc_flags)
    if command.is_deprecated:
        facts["deprecated_since"] = declaration.deprecated_since.encode()
        facts["replaced_by"] = declaration.replaced_by.encode()
    facts["history"] = ReplySet([since.encode(), change.encode()] for since, change in command.history)
    facts["arguments"] = [_argument(argument, version) for argument in command.arguments]
    facts["subcommands"] = {
        subcommand.name.encode(): docs_of(subcommand, version) for subcommand in command.subcommands.values()
    }
    return {name.encode(): fact for name, fact in facts.items() if fact}


def _argument(argument: Argument, version: ServerVersion) -> dict[bytes, Reply]:
    facts: dict[str, Reply] = {"name": argument.name.encode(), "type": argument.type.encode()}
    if argument.display_text is not None and version.redis >= (7, 2):
        facts["display_text"] = argument.display_text.encode()
    if argument.key_spec_index is not None:
        facts["key_spec_index"] = argument.key_spec_index
    if argument.token is not None:
        facts["token"] = argument.token.encode()
    if argument.summary:
        facts["summary"] = argument.summary.encode()
    if since := _since_shown(argument, version):
        facts["since"] = since.encode()
    if argument.deprecated_since:
        facts["deprecated_since"] = argument.deprecated_since.encode()
    if flags := [name for name in ("optional", "multiple", "multiple_token") if getattr(argument, name)]:
        facts["flags"] = ReplySet(SimpleString(flag.encode()) for flag in flags)
    if argument.children:
        facts["arguments"] = [_argument(child, version) for child in argument.children]
    return {name.encode(): fact for name, fact in facts.items()}


def _since_shown(argument: Argument, version: ServerVersion) -> str:
    if not argument.is_since_shown:
        return ""
    return (version.is_valkey and argument.valkey_since) or argument.since
