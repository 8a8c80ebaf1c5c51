"""MODULE: there are none, and none can be loaded."""

from __future__ import annotations

from miniredis.commands.help import subcommand_help
from miniredis.engine.command import command, container
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply

container(
    "MODULE",
    summary="A container for module commands.",
    since="4.0.0",
    group="server",
    complexity="Depends on subcommand.",
)


@command(
    "MODULE|LIST",
    arity=2,
    summary="Returns all loaded modules.",
    since="4.0.0",
    group="server",
    complexity="O(N) where N is the number of loaded modules.",
    flags="admin noscript",
    tips=["nondeterministic_output_order"],
)
def module_list(client: Session, argv: list[bytes]) -> Reply:
    if client.engine.version.is_valkey:  # its script engine is a module that is built in
        return [{b"name": b"lua", b"ver": 1, b"path": b"lua", b"args": []}]
    return []


@command(
    "MODULE|LOAD path [arg [arg ...]]",
    arity=-3,
    summary="Loads a module.",
    since="4.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript no_async_loading",
)
def module_load(client: Session, argv: list[bytes]) -> Reply:
    return _refuse()


@command(
    "MODULE|LOADEX path [CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]",
    arity=-3,
    summary="Loads a module using extended parameters.",
    since="7.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript no_async_loading",
    names=["configs"],
)
def module_loadex(client: Session, argv: list[bytes]) -> Reply:
    return _refuse()


def _refuse() -> Reply:
    raise Error("ERR Error loading the extension. Please check the server logs.")


@command(
    "MODULE|UNLOAD name",
    arity=3,
    summary="Unloads a module.",
    since="4.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript no_async_loading",
)
def module_unload(client: Session, argv: list[bytes]) -> Reply:
    raise Error("ERR Error unloading module: no such module with that name")


@command(
    "MODULE|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="5.0.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
)
def module_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "MODULE",
        (
            "LIST",
            "    Return a list of loaded modules.",
            "LOAD <path> [<arg> ...]",
            "    Load a module library from <path>, passing to it any optional arguments.",
            "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
            "    Load a module library from <path>, while passing it module configurations and optional arguments.",
            "UNLOAD <name>",
            "    Unload a module.",
        ),
    )
