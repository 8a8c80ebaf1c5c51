"""FUNCTION and FCALL: libraries of functions that are part of the dataset, and calls of them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniredis import rdb
from miniredis.commands.help import subcommand_help
from miniredis.commands.scripting import check_key_count
from miniredis.engine import errors
from miniredis.engine.command import command, container, key_count
from miniredis.engine.scripting.flags import ENGINE_NAME, FLAGS
from miniredis.engine.session import Session
from miniredis.rdb import RdbError
from miniredis.resp.types import OK, Error, Reply, ReplySet, SimpleString
from miniredis.structures.glob import compile_glob
from miniredis.structures.numbers import parse_integer

if TYPE_CHECKING:
    from miniredis.engine.scripting.functions import Library

HELP: Final = (
    "LOAD [REPLACE] <FUNCTION CODE>",
    "    Create a new library with the given library name and code.",
    "DELETE <LIBRARY NAME>",
    "    Delete the given library.",
    "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
    "    Return general information on all the libraries:",
    "    * Library name",
    "    * The engine used to run the Library",
    "    * Library description",
    "    * Functions list",
    "    * Library code (if WITHCODE is given)",
    "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
    "STATS",
    "    Return information about the current function running:",
    "    * Function name",
    "    * Command used to run the function",
    "    * Duration in MS that the function is running",
    "    If no function is running, return nil",
    "    In addition, returns a list of available engines.",
    "KILL",
    "    Kill the current running function.",
    "FLUSH [ASYNC|SYNC]",
    "    Delete all the libraries.",
    "    When called without the optional mode argument, the behavior is determined by the",
    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
    "    * ASYNC: Asynchronously flush the libraries.",
    "    * SYNC: Synchronously flush the libraries.",
    "DUMP",
    "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE"
    " command",
    "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
    "    Restore the libraries represented by the given payload, it is possible to give a restore policy to",
    "    control how to handle existing libraries (default APPEND):",
    "    * FLUSH: delete all existing libraries.",
    "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
    "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old",
    "      libraries with the new libraries (notice that even on this option there is a chance of failure",
    "      in case of functions name collision with another library).",
)

FORMER: Final = frozenset({"    * Library description"})
"""What Valkey and later versions of Redis have left out of the help."""


@command(
    "FCALL function numkeys [key [key ...]] [arg [arg ...]]",
    arity=-3,
    summary="Invokes a function.",
    since="7.0.0",
    group="scripting",
    complexity="Depends on the function that is executed.",
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
def fcall(client: Session, argv: list[bytes]) -> Reply:
    return _fcall(client, argv, reads_only=False)


@command(
    "FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]",
    arity=-3,
    summary="Invokes a read-only function.",
    since="7.0.0",
    group="scripting",
    complexity="Depends on the function that is executed.",
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
def fcall_ro(client: Session, argv: list[bytes]) -> Reply:
    return _fcall(client, argv, reads_only=True)


def _fcall(client: Session, argv: list[bytes], *, reads_only: bool) -> Reply:
    engine = client.engine
    if engine.monitors:
        engine.feed_monitors(client, argv)  # before the commands of the function
    functions = engine.scripting.functions
    function = functions.find(argv[1])
    if function is None:
        raise Error("ERR Function not found")
    keys = parse_integer(argv[2])
    if keys is None:
        raise Error("ERR Bad number of keys provided")
    return functions.run(client, argv, function, check_key_count(keys, argv), reads_only=reads_only)


container(
    "FUNCTION",
    summary="A container for function commands.",
    since="7.0.0",
    group="scripting",
    complexity="Depends on subcommand.",
)


@command(
    "FUNCTION|DELETE library-name",
    arity=3,
    summary="Deletes a library and its functions.",
    since="7.0.0",
    group="scripting",
    complexity="O(1)",
    flags="write noscript",
    categories="scripting",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
)
def function_delete(client: Session, argv: list[bytes]) -> Reply:
    client.engine.scripting.functions.delete(argv[2])
    client.engine.dirty += 1
    return OK


@command(
    "FUNCTION|DUMP",
    arity=2,
    summary="Dumps all libraries into a serialized binary payload.",
    since="7.0.0",
    group="scripting",
    complexity="O(N) where N is the number of functions",
    flags="noscript",
    categories="scripting",
)
def function_dump(client: Session, argv: list[bytes]) -> Reply:
    codes = (library.code for library in client.engine.scripting.functions.libraries.values())
    return rdb.functions.dump(codes, client.engine.version, compress=client.engine.config.rdbcompression)


@command(
    "FUNCTION|FLUSH [ASYNC | SYNC]",
    arity=-2,
    summary="Deletes all libraries and functions.",
    since="7.0.0",
    group="scripting",
    complexity="O(N) where N is the number of functions deleted",
    flags="write noscript",
    categories="scripting",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
    names=["flush-type"],
)
def function_flush(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        raise errors.subcommand_syntax(argv)
    if len(argv) == 3 and argv[2].upper() not in (b"ASYNC", b"SYNC"):
        raise Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    if client.engine.used_scripting is not None:
        client.engine.scripting.functions.flush()
    client.engine.dirty += 1
    return OK


@command(
    "FUNCTION|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="7.0.0",
    group="scripting",
    complexity="O(1)",
    flags="loading stale",
    categories="scripting",
)
def function_help(client: Session, argv: list[bytes]) -> Reply:
    version = client.engine.version
    left_out = FORMER if version.is_valkey or version.redis >= (7, 4) else ()
    return subcommand_help(client, "FUNCTION", [line for line in HELP if line not in left_out])


@command(
    "FUNCTION|KILL",
    arity=2,
    summary="Terminates a function during execution.",
    since="7.0.0",
    group="scripting",
    complexity="O(1)",
    flags="noscript allow_busy",
    categories="scripting",
    tips=["request_policy:all_shards", "response_policy:one_succeeded"],
)
def function_kill(client: Session, argv: list[bytes]) -> Reply:
    client.engine.scripting.runner.kill(is_eval=False)
    return OK


@command(
    "FUNCTION|LIST [LIBRARYNAME library-name-pattern] [WITHCODE]",
    arity=-2,
    summary="Returns information about all libraries.",
    since="7.0.0",
    group="scripting",
    complexity="O(N) where N is the number of functions",
    flags="noscript",
    categories="scripting",
    tips=["nondeterministic_output_order"],
)
def function_list(client: Session, argv: list[bytes]) -> Reply:
    with_code, pattern = _list_options(argv)
    matches = None if pattern is None else compile_glob(pattern, nocase=True)
    return [
        _describe_library(library, with_code=with_code)
        for library in client.engine.scripting.functions.libraries.values()
        if matches is None or matches(library.name)
    ]


def _list_options(argv: list[bytes]) -> tuple[bool, bytes | None]:
    """Whether the code is wanted, and the pattern of the libraries' names, if there is one."""
    with_code, pattern = False, None
    words = iter(argv[2:])
    for word in words:
        option = word.upper()
        if option == b"WITHCODE" and not with_code:
            with_code = True
        elif option == b"LIBRARYNAME" and pattern is None:
            pattern = next(words, None)
            if pattern is None:
                raise Error("ERR library name argument was not given")
        else:
            raise Error(b"ERR Unknown argument " + errors.until_nul(word))
    return with_code, pattern


def _describe_library(library: Library, *, with_code: bool) -> Reply:
    functions = [
        {
            b"name": function.name,
            b"description": function.description,
            b"flags": ReplySet(SimpleString(flag) for flag in FLAGS if flag in function.flag_names),
        }
        for function in library.functions.values()
    ]
    reply: dict[bytes, Reply] = {b"library_name": library.name, b"engine": ENGINE_NAME, b"functions": functions}
    if with_code:
        reply[b"library_code"] = library.code
    return reply


@command(
    "FUNCTION|LOAD [REPLACE] function-code",
    arity=-3,
    summary="Creates a library.",
    since="7.0.0",
    group="scripting",
    complexity="O(1) (considering compilation time is redundant)",
    flags="write denyoom noscript",
    categories="scripting",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
)
def function_load(client: Session, argv: list[bytes]) -> Reply:
    for option in argv[2:-1]:
        if option.upper() != b"REPLACE":
            raise Error(b"ERR Unknown option given: " + errors.at_end(option))
    name = client.engine.scripting.functions.load(argv[-1], replace=len(argv) > 3)
    client.engine.dirty += 1
    return name


@command(
    "FUNCTION|RESTORE serialized-value [FLUSH | APPEND | REPLACE]",
    arity=-3,
    summary="Restores all libraries from a payload.",
    since="7.0.0",
    group="scripting",
    complexity="O(N) where N is the number of functions on the payload",
    flags="write denyoom noscript",
    categories="scripting",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
    names=["policy"],
)
def function_restore(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 4:
        raise errors.subcommand_syntax(argv)
    policy = argv[3].upper() if len(argv) == 4 else b"APPEND"
    if policy not in (b"APPEND", b"REPLACE", b"FLUSH"):
        raise Error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    engine = client.engine
    try:
        codes = rdb.functions.load(argv[2], engine.version)
    except RdbError as error:
        raise Error(f"ERR {error}") from None
    engine.scripting.functions.restore(codes, replace=policy == b"REPLACE", flush=policy == b"FLUSH")
    engine.dirty += 1
    return OK


@command(
    "FUNCTION|STATS",
    arity=2,
    summary="Returns information about a function during execution.",
    since="7.0.0",
    group="scripting",
    complexity="O(1)",
    flags="noscript allow_busy",
    categories="scripting",
    tips=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
)
def function_stats(client: Session, argv: list[bytes]) -> Reply:
    scripting = client.engine.scripting
    run = scripting.runner.current
    running: Reply = None
    if run is not None:
        if run.is_eval:
            raise run.error()
        running = {b"name": run.name, b"command": list(run.argv), b"duration_ms": scripting.runner.duration(run)}
    functions = scripting.functions
    counts = {b"libraries_count": len(functions.libraries), b"functions_count": functions.function_count}
    return {b"running_script": running, b"engines": {ENGINE_NAME: counts}}
