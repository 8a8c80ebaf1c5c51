"""CONFIG: to read and change the directives while the server runs."""

from __future__ import annotations

import os

from miniredis.commands.help import subcommand_help
from miniredis.engine import errors
from miniredis.engine.acl_file import line_of
from miniredis.engine.command import Variant, command, container
from miniredis.engine.config import ConfigError
from miniredis.engine.directives import to_bytes, to_text
from miniredis.engine.session import Session
from miniredis.engine.slowlog import REDACTED
from miniredis.resp.types import OK, Error, Reply

container(
    "CONFIG",
    summary="A container for server configuration commands.",
    since="2.0.0",
    group="server",
    complexity="Depends on subcommand.",
)


@command(
    "CONFIG|GET parameter [parameter ...]",
    arity=-3,
    summary="Returns the effective values of configuration parameters.",
    since="2.0.0",
    group="server",
    complexity="O(N) when N is the number of configuration parameters provided",
    flags="admin noscript loading stale",
    history=[
        ("7.0.0", "Added the ability to pass multiple pattern parameters in one call"),
    ],
)
def config_get(client: Session, argv: list[bytes]) -> Reply:
    return client.engine.config.get(argv[2:])


@command(
    "CONFIG|SET parameter value [parameter value ...]",
    arity=-4,
    summary="Sets configuration parameters in-flight.",
    since="2.0.0",
    group="server",
    complexity="O(N) when N is the number of configuration parameters provided",
    flags="admin noscript loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    history=[
        ("7.0.0", "Added the ability to set multiple parameters in one call."),
    ],
    names=["data"],
)
def config_set(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    if len(argv) % 2:
        raise errors.syntax_error()
    settings = list(zip(argv[2::2], argv[3::2], strict=True))
    for position, (name, _) in enumerate(settings):
        directive = engine.config.directives.get(to_text(name).lower())
        if directive is not None and directive.sensitive:
            argv[3 + 2 * position] = REDACTED
    try:
        engine.config.set(settings, is_local=client.is_local)
    except ConfigError as error:
        raise Error(b"ERR " + to_bytes(str(error))) from None
    return OK


@command(
    "CONFIG|RESETSTAT",
    arity=2,
    summary="Resets the server's statistics.",
    since="2.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    variants=[Variant(until="7.2.0", tips=())],
)
def config_resetstat(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    engine.statistics.reset()
    for state in engine.command_states():
        state.reset()
    return OK


@command(
    "CONFIG|REWRITE",
    arity=2,
    summary="Persists the effective configuration to file.",
    since="2.8.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    variants=[Variant(until="7.2.0", tips=())],
)
def config_rewrite(client: Session, argv: list[bytes]) -> Reply:
    if not client.engine.config.file:
        raise Error("ERR The server is running without a config file")
    try:
        rewrite_file(client)
    except (OSError, ConfigError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Error(f"ERR Rewriting config file: {reason}") from None
    return OK


def rewrite_file(client: Session, *, with_defaults: bool = False) -> None:
    """Bring the config file up to date. Raises ``OSError`` or :class:`ConfigError`; then it is what it was."""
    from miniredis.engine.config_file import read_config_file, rewrite

    config = client.engine.config
    text = read_config_file(config.file) if os.path.exists(config.file) else ""
    _write_at_once(config.file, to_bytes(rewrite(config, text, _user_lines(client), with_defaults=with_defaults)))


def _user_lines(client: Session) -> list[str]:
    """The users as lines of the config file; none if they stand in a file of their own."""
    engine = client.engine
    return [] if engine.config.aclfile else [to_text(line_of(user)) for user in engine.acl.sorted_users()]


def _write_at_once(path: str, data: bytes) -> None:
    """Replace the file at *path*, so that whoever reads it sees the old one or the new one whole."""
    import tempfile

    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=os.path.basename(path))
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@command(
    "CONFIG|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="5.0.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
)
def config_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "CONFIG",
        (
            "GET <pattern>",
            "    Return parameters matching the glob-like <pattern> and their values.",
            "SET <directive> <value>",
            "    Set the configuration <directive> to <value>.",
            "RESETSTAT",
            "    Reset statistics reported by the INFO command.",
            "REWRITE",
            "    Rewrite the configuration file.",
        ),
    )
