"""ACL: users, what they may do, and what they were refused."""

from __future__ import annotations

import logging
import os
from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.engine import errors
from miniredis.engine.acl import DEFAULT_USER
from miniredis.engine.acl_file import AclFileError, line_of
from miniredis.engine.acl_log import Refusal
from miniredis.engine.acl_rules import Selector, has_spaces
from miniredis.engine.arguments import integer
from miniredis.engine.command import Variant, command, container
from miniredis.engine.session import Session
from miniredis.engine.slowlog import REDACTED
from miniredis.engine.table import CATEGORIES
from miniredis.engine.version import ServerVersion
from miniredis.resp.types import OK, Error, Reply, ReplySet

logger = logging.getLogger("miniredis")

LONGEST_PASSWORD: Final = 4096
"""Bits that ACL GENPASS makes at the most."""

SHOWN: Final = 10
"""Entries that ACL LOG shows if nobody says how many."""

container(
    "ACL",
    summary="A container for Access List Control commands.",
    since="6.0.0",
    group="server",
    complexity="Depends on subcommand.",
)


@command(
    "ACL|CAT [category]",
    arity=-2,
    summary="Lists the ACL categories, or the commands inside a category.",
    since="6.0.0",
    group="server",
    complexity="O(1) since the categories and commands are a fixed set.",
    flags="noscript loading stale",
)
def acl_cat(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        raise errors.subcommand_syntax(argv)
    if len(argv) == 2:
        return [category.encode() for category in CATEGORIES]
    category = errors.until_nul(argv[2]).decode("latin-1").lower()
    if category not in CATEGORIES:
        raise Error(b"ERR Unknown category '%b'" % errors.until_nul(argv[2])[:128])
    return [known.name.encode() for known in client.engine.table.all() if category in known.categories]


@command(
    "ACL|DELUSER username [username ...]",
    arity=-3,
    summary="Deletes ACL users, and terminates their connections.",
    since="6.0.0",
    group="server",
    complexity="O(1) amortized time considering the typical user.",
    flags="admin noscript loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    variants=[Variant(until="7.2.0", tips=())],
)
def acl_deluser(client: Session, argv: list[bytes]) -> Reply:
    acl = client.engine.acl
    if DEFAULT_USER in argv[2:]:
        raise Error("ERR The 'default' user cannot be removed")
    return sum([acl.delete_user(client, name) for name in argv[2:]])


@command(
    "ACL|DRYRUN username command [arg [arg ...]]",
    arity=-4,
    summary="Simulates the execution of a command by a user, without executing the command.",
    since="7.0.0",
    group="server",
    complexity="O(1).",
    flags="admin noscript loading stale",
)
def acl_dryrun(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    user = engine.acl.users.get(argv[2])
    if user is None:
        raise Error(b"ERR User '%b' not found" % errors.until_nul(argv[2]))
    tried = argv[3:]
    asked = engine.table.lookup_argv(tried)
    if asked is None:
        raise Error(b"ERR Command '%b' not found" % errors.until_nul(argv[3]))
    if not asked.minimum <= len(tried) <= asked.maximum:
        raise errors.wrong_arity(asked.name)
    denial = engine.acl.check(user, asked, tried, client.db.number)
    return OK if denial is None else engine.acl.explain(user, denial, asked, tried)


@command(
    "ACL|GENPASS [bits]",
    arity=-2,
    summary="Generates a pseudorandom, secure password that can be used to identify ACL users.",
    since="6.0.0",
    group="server",
    complexity="O(1)",
    flags="noscript loading stale",
)
def acl_genpass(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        raise errors.subcommand_syntax(argv)
    bits = integer(argv[2]) if len(argv) == 3 else 256
    if not 0 < bits <= LONGEST_PASSWORD:
        raise Error(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to"
            f" {LONGEST_PASSWORD}"
        )
    digits = (bits + 3) // 4
    return os.urandom((digits + 1) // 2).hex()[:digits].encode()  # no seed makes a password repeatable


@command(
    "ACL|GETUSER username",
    arity=3,
    summary="Lists the ACL rules of a user.",
    since="6.0.0",
    group="server",
    complexity="O(N). Where N is the number of password, command and pattern rules that the user has.",
    flags="admin noscript loading stale",
    history=[
        ("6.2.0", "Added Pub/Sub channel patterns."),
        (
            "7.0.0",
            (
                "Added selectors and changed the format of key and channel patterns from a list to their rule"
                " representation."
            ),
        ),
        ("valkey 9.1.0", "Added database permission rules."),
    ],
)
def acl_getuser(client: Session, argv: list[bytes]) -> Reply:
    user = client.engine.acl.users.get(argv[2])
    if user is None:
        return None
    version = client.engine.version
    return {
        b"flags": ReplySet(user.flags()),
        b"passwords": list(user.passwords),
        **_permissions(user.root, version),
        b"selectors": [_permissions(selector, version) for selector in user.selectors[1:]],
    }


def _permissions(selector: Selector, version: ServerVersion) -> dict[bytes, Reply]:
    described: dict[bytes, Reply] = {
        b"commands": selector.describe_commands(),
        b"keys": selector.describe_keys(),
        b"channels": selector.describe_channels(),
    }
    if version.is_valkey:
        described[b"databases"] = selector.describe_databases()
    return described


@command(
    "ACL|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="6.0.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
)
def acl_help(client: Session, argv: list[bytes]) -> Reply:
    rule = "rule" if client.engine.version.is_valkey else "attribute"
    return subcommand_help(
        client,
        "ACL",
        [
            "CAT [<category>]",
            "    List all commands that belong to <category>, or all command categories",
            "    when no category is specified.",
            "DELUSER <username> [<username> ...]",
            "    Delete a list of users.",
            "DRYRUN <username> <command> [<arg> ...]",
            "    Returns whether the user can execute the given command without executing the command.",
            "GETUSER <username>",
            "    Get the user's details.",
            "GENPASS [<bits>]",
            "    Generate a secure 256-bit user password. The optional `bits` argument can",
            "    be used to specify a different size.",
            "LIST",
            "    Show users details in config file format.",
            "LOAD",
            "    Reload users from the ACL file.",
            "LOG [<count> | RESET]",
            "    Show the ACL log entries.",
            "SAVE",
            "    Save the current config to the ACL file.",
            f"SETUSER <username> <{rule}> [<{rule}> ...]",
            f"    Create or modify a user with the specified {rule}s.",
            "USERS",
            "    List all the registered usernames.",
            "WHOAMI",
            "    Return the current connection username.",
        ],
    )


@command(
    "ACL|LIST",
    arity=2,
    summary="Dumps the effective rules in ACL file format.",
    since="6.0.0",
    group="server",
    complexity="O(N). Where N is the number of configured users.",
    flags="admin noscript loading stale",
)
def acl_list(client: Session, argv: list[bytes]) -> Reply:
    return [line_of(user) for user in client.engine.acl.sorted_users()]


@command(
    "ACL|LOAD",
    arity=2,
    summary="Reloads the rules from the configured ACL file.",
    since="6.0.0",
    group="server",
    complexity="O(N). Where N is the number of configured users.",
    flags="admin noscript loading stale",
)
def acl_load(client: Session, argv: list[bytes]) -> Reply:
    _refuse_without_file(client)
    try:
        client.engine.acl.load(client)
    except AclFileError as error:
        raise Error(b"ERR " + error.message.replace(b"\r", b" ")) from None
    return OK


@command(
    "ACL|LOG [count | RESET]",
    arity=-2,
    summary="Lists recent security events generated due to ACL rules.",
    since="6.0.0",
    group="server",
    complexity="O(N) with N being the number of entries shown.",
    flags="admin noscript loading stale",
    history=[
        ("7.2.0", "Added entry ID, timestamp created, and timestamp last updated."),
    ],
    names=["operation"],
)
def acl_log(client: Session, argv: list[bytes]) -> Reply:
    log = client.engine.acl.log
    if len(argv) > 3:
        raise errors.subcommand_syntax(argv)
    if len(argv) == 3 and argv[2].lower() == b"reset":
        log.reset()
        return OK
    count = integer(argv[2]) if len(argv) == 3 else SHOWN
    return [_entry(client, entry) for entry in list(log.entries)[: max(count, 0)]]


def _entry(client: Session, entry: Refusal) -> dict[bytes, Reply]:
    engine = client.engine
    shown: dict[bytes, Reply] = {
        b"count": entry.count,
        b"reason": entry.reason.encode(),
        b"context": entry.context.encode(),
        b"object": entry.object,
        b"username": entry.user,
        b"age-seconds": (engine.now - entry.updated_at) / 1000,
        b"client-info": entry.client,
    }
    if engine.version.redis >= (7, 2):
        shown[b"entry-id"] = entry.id
        shown[b"timestamp-created"] = entry.created_at
        shown[b"timestamp-last-updated"] = entry.updated_at
    return shown


@command(
    "ACL|SAVE",
    arity=2,
    summary="Saves the effective ACL rules in the configured ACL file.",
    since="6.0.0",
    group="server",
    complexity="O(N). Where N is the number of configured users.",
    flags="admin noscript loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    variants=[Variant(until="7.2.0", tips=())],
)
def acl_save(client: Session, argv: list[bytes]) -> Reply:
    _refuse_without_file(client)
    try:
        client.engine.acl.save()
    except OSError:
        logger.warning("Writing ACL file for ACL SAVE failed", exc_info=True)
        raise Error(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
        ) from None
    return OK


def _refuse_without_file(client: Session) -> None:
    """Raise the error of ACL LOAD and SAVE where there is no ``aclfile``."""
    if client.engine.config.aclfile:
        return
    server, redis = ("instance", "") if client.engine.version.is_valkey else ("Redis instance", "Redis ")
    raise Error(
        f"ERR This {server} is not configured to use an ACL file. You may want to specify users via the ACL SETUSER"
        f" command and then issue a CONFIG REWRITE (assuming you have a {redis}configuration file set) in order to"
        f" store users in the {redis}configuration."
    )


@command(
    "ACL|SETUSER username [rule [rule ...]]",
    arity=-3,
    summary="Creates and modifies an ACL user and its rules.",
    since="6.0.0",
    group="server",
    complexity="O(N). Where N is the number of rules provided.",
    flags="admin noscript loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    history=[
        ("6.2.0", "Added Pub/Sub channel patterns."),
        ("7.0.0", "Added selectors and key based permissions."),
        ("valkey 9.1.0", "Added database permission rules."),
    ],
    variants=[Variant(until="7.2.0", tips=())],
)
def acl_setuser(client: Session, argv: list[bytes]) -> Reply:
    name, *rules = argv[2:]
    argv[2:] = [REDACTED] * (len(argv) - 2)
    if has_spaces(name):
        raise Error("ERR Usernames can't contain spaces or null characters")
    client.engine.acl.set_user(client, name, rules)
    return OK


@command(
    "ACL|USERS",
    arity=2,
    summary="Lists all ACL users.",
    since="6.0.0",
    group="server",
    complexity="O(N). Where N is the number of configured users.",
    flags="admin noscript loading stale",
)
def acl_users(client: Session, argv: list[bytes]) -> Reply:
    return sorted(client.engine.acl.users)


@command(
    "ACL|WHOAMI",
    arity=2,
    summary="Returns the authenticated username of the current connection.",
    since="6.0.0",
    group="server",
    complexity="O(1)",
    flags="noscript loading stale",
)
def acl_whoami(client: Session, argv: list[bytes]) -> Reply:
    return client.user.name
