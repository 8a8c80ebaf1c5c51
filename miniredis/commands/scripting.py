"""EVAL and SCRIPT: scripts that their callers send along, or call by the SHA1 under which they were loaded."""

from __future__ import annotations

from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.engine.arguments import integer
from miniredis.engine.command import Variant, command, container, key_count
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply

SHA1_LENGTH: Final = 40

HELP: Final = (
    "DEBUG (YES|SYNC|NO)",
    "    Set the debug mode for subsequent scripts executed.",
    "EXISTS <sha1> [<sha1> ...]",
    "    Return information about the existence of the scripts in the script cache.",
    "FLUSH [ASYNC|SYNC]",
    "    Flush the Lua scripts cache. Very dangerous on replicas.",
    "    When called without the optional mode argument, the behavior is determined by the",
    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
    "    * ASYNC: Asynchronously flush the scripts cache.",
    "    * SYNC: Synchronously flush the scripts cache.",
    "KILL",
    "    Kill the currently executing Lua script.",
    "LOAD <script>",
    "    Load a script into the scripts cache without executing it.",
)

VALKEY_HELP: Final = (
    "DEBUG (YES|SYNC|NO) [<engine_name>]",
    "    Set the debug mode for subsequent scripts executed of the specified engine.",
    "    Default engine name: 'lua'",
    *HELP[2:6],
    "    When called without the optional mode argument, the behavior is determined",
    "     by the lazyfree-lazy-user-flush configuration directive. Valid modes are:",
    *HELP[8:],
    "SHOW <sha1>",
    "    Show a script from the scripts cache.",
)


@command(
    "EVAL script numkeys [key [key ...]] [arg [arg ...]]",
    arity=-3,
    summary="Executes a server-side Lua script.",
    since="2.6.0",
    group="scripting",
    complexity="Depends on the script that is executed.",
    flags="noscript stale skip_monitor no_mandatory_keys",
    categories="scripting",
    keys=[
        key_count(
            "RW access update",
            2,
            notes="We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
        ),
    ],
)
def eval_(client: Session, argv: list[bytes]) -> Reply:
    return _eval(client, argv, False, False)


@command(
    "EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]",
    arity=-3,
    summary="Executes a read-only server-side Lua script.",
    since="7.0.0",
    group="scripting",
    complexity="Depends on the script that is executed.",
    flags="readonly noscript stale skip_monitor no_mandatory_keys",
    categories="scripting",
    keys=[
        key_count(
            "RO access",
            2,
            notes="We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
        ),
    ],
)
def eval_ro(client: Session, argv: list[bytes]) -> Reply:
    return _eval(client, argv, False, True)


@command(
    "EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]",
    arity=-3,
    summary="Executes a server-side Lua script by SHA1 digest.",
    since="2.6.0",
    group="scripting",
    complexity="Depends on the script that is executed.",
    flags="noscript stale skip_monitor no_mandatory_keys",
    categories="scripting",
    keys=[key_count("RW access update", 2)],
)
def evalsha(client: Session, argv: list[bytes]) -> Reply:
    return _eval(client, argv, True, False)


@command(
    "EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]",
    arity=-3,
    summary="Executes a read-only server-side Lua script by SHA1 digest.",
    since="7.0.0",
    group="scripting",
    complexity="Depends on the script that is executed.",
    flags="readonly noscript stale skip_monitor no_mandatory_keys",
    categories="scripting",
    keys=[key_count("RO access", 2)],
)
def evalsha_ro(client: Session, argv: list[bytes]) -> Reply:
    return _eval(client, argv, True, True)


def check_key_count(keys: int, argv: list[bytes]) -> int:
    """*keys*, if the arguments that *argv* has behind that number suffice."""
    if keys > len(argv) - 3:
        raise Error("ERR Number of keys can't be greater than number of args")
    if keys < 0:
        raise Error("ERR Number of keys can't be negative")
    return keys


def _eval(client: Session, argv: list[bytes], by_sha: bool, reads_only: bool) -> Reply:
    engine = client.engine
    if engine.monitors:
        engine.feed_monitors(client, argv)  # before the commands of the script
    scripts = (engine.used_scripting or engine.scripting).scripts
    if by_sha and len(argv[1]) != SHA1_LENGTH:
        raise _no_script(client)
    keys = 1 if argv[2] == b"1" and len(argv) > 3 else check_key_count(integer(argv[2]), argv)
    script = scripts.find(argv[1]) if by_sha else scripts.load(argv[1])
    if script is None:
        raise _no_script(client)
    return scripts.run(client, argv, script, keys, reads_only)


def _no_script(client: Session) -> Error:
    advice = "" if client.engine.version.is_valkey else " Please use EVAL."
    return Error(f"NOSCRIPT No matching script.{advice}")


container(
    "SCRIPT",
    summary="A container for Lua scripts management commands.",
    since="2.6.0",
    group="scripting",
    complexity="Depends on subcommand.",
)


@command(
    "SCRIPT|DEBUG <YES | SYNC | NO> [engine]",
    arity=3,
    summary="Sets the debug mode of server-side Lua scripts.",
    since="3.2.0",
    group="scripting",
    complexity="O(1)",
    flags="noscript",
    categories="scripting",
    names=["mode"],
    details={"engine": "valkey-since=9.1.0"},
    variants=[Variant(valkey_since="8.0.0", arity=-3)],
)
def script_debug(client: Session, argv: list[bytes]) -> Reply:
    mode = argv[2].upper()
    if mode not in (b"YES", b"SYNC", b"NO"):
        raise Error("ERR Use SCRIPT DEBUG YES/SYNC/NO")
    if mode != b"NO":
        raise Error("ERR there is no script debugger here")
    return OK


@command(
    "SCRIPT|EXISTS sha1 [sha1 ...]",
    arity=-3,
    summary="Determines whether server-side Lua scripts exist in the script cache.",
    since="2.6.0",
    group="scripting",
    complexity="O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
    flags="noscript",
    categories="scripting",
    tips=["request_policy:all_shards", "response_policy:agg_logical_and"],
    variants=[Variant(valkey_since="8.0.0", flags="noscript stale")],
)
def script_exists(client: Session, argv: list[bytes]) -> Reply:
    scripts = client.engine.scripting.scripts
    return [int(scripts.find(sha) is not None) for sha in argv[2:]]


@command(
    "SCRIPT|FLUSH [ASYNC | SYNC]",
    arity=-2,
    summary="Removes all server-side Lua scripts from the script cache.",
    since="2.6.0",
    group="scripting",
    complexity="O(N) with N being the number of scripts in cache",
    flags="noscript",
    categories="scripting",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    history=[
        ("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers."),
    ],
    names=["flush-type"],
    details={"flush-type": "since=6.2.0"},
    variants=[Variant(valkey_since="8.0.0", flags="noscript stale")],
)
def script_flush(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3 or (len(argv) == 3 and argv[2].upper() not in (b"ASYNC", b"SYNC")):
        raise Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    if client.engine.used_scripting is not None:
        client.engine.scripting.scripts.flush()
    return OK


@command(
    "SCRIPT|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="5.0.0",
    group="scripting",
    complexity="O(1)",
    flags="loading stale",
    categories="scripting",
)
def script_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(client, "SCRIPT", VALKEY_HELP if client.engine.version.is_valkey else HELP)


@command(
    "SCRIPT|KILL",
    arity=2,
    summary="Terminates a server-side Lua script during execution.",
    since="2.6.0",
    group="scripting",
    complexity="O(1)",
    flags="noscript allow_busy",
    categories="scripting",
    tips=["request_policy:all_shards", "response_policy:one_succeeded"],
)
def script_kill(client: Session, argv: list[bytes]) -> Reply:
    client.engine.scripting.runner.kill(is_eval=True)
    return OK


@command(
    "SCRIPT|LOAD script",
    arity=3,
    summary="Loads a server-side Lua script to the script cache.",
    since="2.6.0",
    group="scripting",
    complexity="O(N) with N being the length in bytes of the script body.",
    flags="noscript stale",
    categories="scripting",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def script_load(client: Session, argv: list[bytes]) -> Reply:
    return client.engine.scripting.scripts.load(argv[2]).sha


@command(
    "SCRIPT|SHOW sha1",
    arity=3,
    summary="Show server-side Lua script in the script cache.",
    since="",
    valkey_since="8.0.0",
    group="scripting",
    complexity="O(1).",
    flags="noscript stale",
    categories="scripting",
)
def script_show(client: Session, argv: list[bytes]) -> Reply:
    script = client.engine.scripting.scripts.find(argv[2])
    if script is None:
        raise _no_script(client)
    return script.body
