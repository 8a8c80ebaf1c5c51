"""Pub/sub: SUBSCRIBE and its relatives, PUBLISH, and what PUBSUB tells about channels.

Every channel that a command names is confirmed by a message of its own. It counts the channels and patterns that the
client has then; shard channels are counted apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.engine import errors, propagation
from miniredis.engine.command import command, container, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Push, Replies, Reply
from miniredis.structures.glob import compile_glob

SHARD_EVENTS: Final = frozenset({b"ssubscribe", b"sunsubscribe"})


# Subscribing


@command(
    "SUBSCRIBE channel [channel ...]",
    arity=-2,
    summary="Listens for messages published to channels.",
    since="2.0.0",
    group="pubsub",
    complexity="O(N) where N is the number of channels to subscribe to.",
    flags="pubsub noscript loading stale",
)
def subscribe(client: Session, argv: list[bytes]) -> Reply:
    return _confirm(client, b"subscribe", argv[1:], client.engine.pubsub.subscribe)


@command(
    "UNSUBSCRIBE [channel [channel ...]]",
    arity=-1,
    summary="Stops listening to messages posted to channels.",
    since="2.0.0",
    group="pubsub",
    complexity="O(N) where N is the number of channels to unsubscribe.",
    flags="pubsub noscript loading stale",
)
def unsubscribe(client: Session, argv: list[bytes]) -> Reply:
    return _confirm(client, b"unsubscribe", argv[1:] or list(client.channels), client.engine.pubsub.unsubscribe)


@command(
    "PSUBSCRIBE pattern [pattern ...]",
    arity=-2,
    summary="Listens for messages published to channels that match one or more patterns.",
    since="2.0.0",
    group="pubsub",
    complexity="O(N) where N is the number of patterns to subscribe to.",
    flags="pubsub noscript loading stale",
)
def psubscribe(client: Session, argv: list[bytes]) -> Reply:
    return _confirm(client, b"psubscribe", argv[1:], client.engine.pubsub.psubscribe)


@command(
    "PUNSUBSCRIBE [pattern [pattern ...]]",
    arity=-1,
    summary="Stops listening to messages published to channels that match one or more patterns.",
    since="2.0.0",
    group="pubsub",
    complexity="O(N) where N is the number of patterns to unsubscribe.",
    flags="pubsub noscript loading stale",
)
def punsubscribe(client: Session, argv: list[bytes]) -> Reply:
    return _confirm(client, b"punsubscribe", argv[1:] or list(client.patterns), client.engine.pubsub.punsubscribe)


@command(
    "SSUBSCRIBE shardchannel [shardchannel ...]",
    arity=-2,
    summary="Listens for messages published to shard channels.",
    since="7.0.0",
    group="pubsub",
    complexity="O(N) where N is the number of shard channels to subscribe to.",
    flags="pubsub noscript loading stale",
    keys=[key_range("not_key", 1, last=-1)],
)
def ssubscribe(client: Session, argv: list[bytes]) -> Reply:
    if client.deny_blocking:
        raise Error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
    return _confirm(client, b"ssubscribe", argv[1:], client.engine.pubsub.ssubscribe)


@command(
    "SUNSUBSCRIBE [shardchannel [shardchannel ...]]",
    arity=-1,
    summary="Stops listening to messages posted to shard channels.",
    since="7.0.0",
    group="pubsub",
    complexity="O(N) where N is the number of shard channels to unsubscribe.",
    flags="pubsub noscript loading stale",
    keys=[key_range("not_key", 1, last=-1)],
)
def sunsubscribe(client: Session, argv: list[bytes]) -> Reply:
    return _confirm(client, b"sunsubscribe", argv[1:] or list(client.shard_channels), client.engine.pubsub.sunsubscribe)


def _confirm(client: Session, event: bytes, names: list[bytes], act: Callable[[Session, bytes], bool]) -> Reply:
    """Let *act* take or drop each subscription; the confirmations, at least one."""
    confirmations = Replies()
    for name in names:
        act(client, name)
        confirmations.append(Push([event, name, _count(client, event)]))
    client.update_gate()
    return confirmations or Replies([Push([event, None, _count(client, event)])])


def _count(client: Session, event: bytes) -> int:
    return len(client.shard_channels) if event in SHARD_EVENTS else client.subscription_count


# Publishing


@command(
    "PUBLISH channel message",
    arity=3,
    summary="Posts a message to a channel.",
    since="2.0.0",
    group="pubsub",
    complexity=(
        "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of"
        " subscribed patterns (by any client)."
    ),
    flags="pubsub loading stale fast",
)
def publish(client: Session, argv: list[bytes]) -> Reply:
    propagation.force(client)
    return client.engine.pubsub.publish(argv[1], argv[2])


@command(
    "SPUBLISH shardchannel message",
    arity=3,
    summary="Posts a message to a shard channel.",
    since="7.0.0",
    group="pubsub",
    complexity="O(N) where N is the number of clients subscribed to the receiving shard channel.",
    flags="pubsub loading stale fast",
    keys=[key_range("not_key", 1)],
)
def spublish(client: Session, argv: list[bytes]) -> Reply:
    propagation.force(client)
    return client.engine.pubsub.spublish(argv[1], argv[2])


# Asking


container(
    "PUBSUB",
    summary="A container for Pub/Sub commands.",
    since="2.8.0",
    group="pubsub",
    complexity="Depends on subcommand.",
)


@command(
    "PUBSUB|CHANNELS [pattern]",
    arity=-2,
    summary="Returns the active channels.",
    since="2.8.0",
    group="pubsub",
    complexity=(
        "O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short"
        " channels and patterns)"
    ),
    flags="pubsub loading stale",
)
def pubsub_channels(client: Session, argv: list[bytes]) -> Reply:
    return _active(argv, client.engine.pubsub.channels)


@command(
    "PUBSUB|NUMSUB [channel [channel ...]]",
    arity=-2,
    summary="Returns a count of subscribers to channels.",
    since="2.8.0",
    group="pubsub",
    complexity="O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    flags="pubsub loading stale",
)
def pubsub_numsub(client: Session, argv: list[bytes]) -> Reply:
    return _subscribers(argv, client.engine.pubsub.channels)


@command(
    "PUBSUB|NUMPAT",
    arity=2,
    summary="Returns a count of unique pattern subscriptions.",
    since="2.8.0",
    group="pubsub",
    complexity="O(1)",
    flags="pubsub loading stale",
)
def pubsub_numpat(client: Session, argv: list[bytes]) -> Reply:
    return len(client.engine.pubsub.patterns)


@command(
    "PUBSUB|SHARDCHANNELS [pattern]",
    arity=-2,
    summary="Returns the active shard channels.",
    since="7.0.0",
    group="pubsub",
    complexity=(
        "O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively"
        " short shard channels)."
    ),
    flags="pubsub loading stale",
)
def pubsub_shardchannels(client: Session, argv: list[bytes]) -> Reply:
    return _active(argv, client.engine.pubsub.shard_channels)


@command(
    "PUBSUB|SHARDNUMSUB [shardchannel [shardchannel ...]]",
    arity=-2,
    summary="Returns the count of subscribers of shard channels.",
    since="7.0.0",
    group="pubsub",
    complexity="O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
    flags="pubsub loading stale",
)
def pubsub_shardnumsub(client: Session, argv: list[bytes]) -> Reply:
    return _subscribers(argv, client.engine.pubsub.shard_channels)


@command(
    "PUBSUB|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="6.2.0",
    group="pubsub",
    complexity="O(1)",
    flags="loading stale",
)
def pubsub_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "PUBSUB",
        (
            "CHANNELS [<pattern>]",
            "    Return the currently active channels matching a <pattern> (default: '*').",
            "NUMPAT",
            "    Return number of subscriptions to patterns.",
            "NUMSUB [<channel> ...]",
            "    Return the number of subscribers for the specified channels, excluding",
            "    pattern subscriptions(default: no channels).",
            "SHARDCHANNELS [<pattern>]",
            "    Return the currently active shard level channels matching a <pattern> (default: '*').",
            "SHARDNUMSUB [<shardchannel> ...]",
            "    Return the number of subscribers for the specified shard level channel(s)",
        ),
    )


def _active(argv: list[bytes], channels: dict[bytes, dict[Session, None]]) -> Reply:
    """The channels that somebody listens to, those that match a pattern if one is given."""
    if len(argv) > 3:
        raise errors.subcommand_syntax(argv)
    if len(argv) == 2:
        return list(channels)
    return list(filter(compile_glob(argv[2]), channels))


def _subscribers(argv: list[bytes], channels: dict[bytes, dict[Session, None]]) -> Reply:
    """Each channel asked for, and how many clients listen to it."""
    reply: list[Reply] = []
    for channel in argv[2:]:
        reply += (channel, len(channels.get(channel, ())))
    return reply
