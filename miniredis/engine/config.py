"""The configuration: the present values of all directives, and the three ways to set them.

The engine reads a value as a plain attribute, ``config.hash_max_listpack_entries``: the directive's name with its
dashes as underscores, of the type that :mod:`miniredis.engine.directives` says. ``CONFIG SET`` (:meth:`Config.set`),
the command line and the config file (:meth:`Config.set_at_startup`) go through the directive's kind, which knows
Redis's errors.

Who must act when a value changes registers with :meth:`Config.on_change`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from miniredis.engine import errors
from miniredis.engine.directive_table import DIRECTIVES, Directive, directives_of
from miniredis.engine.directives import ConfigError, to_bytes, to_text
from miniredis.engine.version import DEFAULT_VERSION, ServerVersion
from miniredis.structures.glob import compile_glob

__all__ = ["Config", "ConfigError"]

OBSOLETE: Final = frozenset({"list-max-ziplist-entries", "list-max-ziplist-value"})
"""Directives that a config file may still hold and that mean nothing any more."""


@cache
def _directives_by_name(version: ServerVersion) -> Mapping[str, Directive]:
    """The directives of *version* by their names, other names included."""
    named: dict[str, Directive] = {}
    for directive in directives_of(version):
        named[directive.name] = directive
        if directive.alias:
            named[directive.alias] = directive
    return named


@cache
def _defaults(version: ServerVersion) -> Mapping[str, Any]:
    """The attributes of a config of *version*. What this version lacks has a value all the same, so that reading it is
    no error."""
    return {directive.attribute: directive.default for directive in (*DIRECTIVES, *directives_of(version))}


class Config:
    """The values of all directives that the server *version* has.

    Three settings are no directives and are kept for those who use them: ``renamed_commands`` (old name to new one,
    empty for none), ``users`` (the words of each ``user`` line) and ``file``, the path of the config file, empty for
    none.
    """

    # What the code reads, for the type checker; the table makes all of them.
    acl_pubsub_default: str
    aclfile: str
    acllog_max_len: int
    active_expire_effort: int
    appendonly: bool
    aof_use_rdb_preamble: bool
    appendfilename: str
    appenddirname: str
    appendfsync: str
    bind: tuple[str, ...]
    busy_reply_threshold: int
    client_output_buffer_limit: dict[str, tuple[int, int, int]]
    client_query_buffer_limit: int
    cluster_enabled: bool
    daemonize: bool
    databases: int
    dbfilename: str
    dir: str
    enable_debug_command: str
    enable_module_command: str
    enable_protected_configs: str
    hash_max_listpack_entries: int
    hash_max_listpack_value: int
    hll_sparse_max_bytes: int
    hz: int
    import_mode: bool
    latency_monitor_threshold: int
    latency_tracking: bool
    lazyfree_lazy_eviction: bool
    lazyfree_lazy_expire: bool
    lazyfree_lazy_server_del: bool
    lazyfree_lazy_user_del: bool
    lazyfree_lazy_user_flush: bool
    latency_tracking_info_percentiles: tuple[float, ...]
    lfu_decay_time: int
    lfu_log_factor: int
    list_compress_depth: int
    list_max_listpack_size: int
    logfile: str
    loglevel: str
    maxclients: int
    maxmemory: int
    maxmemory_clients: int
    maxmemory_eviction_tenacity: int
    maxmemory_policy: str
    maxmemory_samples: int
    min_replicas_max_lag: int
    min_replicas_to_write: int
    notify_keyspace_events: int
    pidfile: str
    port: int
    protected_mode: bool
    proto_max_bulk_len: int
    rdbchecksum: bool
    rdbcompression: bool
    repl_backlog_size: int
    repl_backlog_ttl: int
    repl_ping_replica_period: int
    repl_timeout: int
    replica_priority: int
    replica_read_only: bool
    replica_serve_stale_data: bool
    replicaof: tuple[str, int] | None
    replica_announced: bool
    replica_ignore_maxmemory: bool
    requirepass: str
    save: tuple[tuple[int, int], ...]
    set_max_intset_entries: int
    set_max_listpack_entries: int
    set_max_listpack_value: int
    shutdown_on_sigint: tuple[str, ...]
    shutdown_on_sigterm: tuple[str, ...]
    shutdown_timeout: int
    slowlog_log_slower_than: int
    slowlog_max_len: int
    stop_writes_on_bgsave_error: bool
    stream_node_max_bytes: int
    stream_node_max_entries: int
    tcp_backlog: int
    tcp_keepalive: int
    timeout: int
    tls_auth_clients: str
    tls_ca_cert_dir: str
    tls_ca_cert_file: str
    tls_cert_file: str
    tls_ciphers: str
    tls_ciphersuites: str
    tls_dh_params_file: str
    tls_key_file: str
    tls_key_file_pass: str
    tls_port: int
    tls_prefer_server_ciphers: bool
    tls_protocols: str
    tracking_table_max_keys: int
    unixsocket: str
    unixsocketperm: int
    zset_max_listpack_entries: int
    zset_max_listpack_value: int

    def __init__(self, version: ServerVersion = DEFAULT_VERSION) -> None:
        self.version = version
        self.file = ""
        self.renamed_commands: dict[bytes, bytes] = {}
        self.users: list[list[str]] = []
        self.directives = _directives_by_name(version)
        self._hooks: dict[Directive, list[Callable[[], None]]] = {}
        self._has_save_points_of_its_own = False
        vars(self).update(_defaults(version))
        if version.redis < (7, 2):
            self.set_max_listpack_entries = 0  # sets have no listpack encoding yet
        self.dir = os.getcwd()

    def on_change(self, name: str, hook: Callable[[], None]) -> None:
        """Call *hook* after directive *name* was changed by :meth:`set`.

        It may raise :class:`ConfigError` to refuse the new value; everything is then put back, and the hooks of what
        had been changed are called again.
        """
        self._hooks.setdefault(self.directives[name], []).append(hook)

    def value(self, directive: Directive) -> Any:
        """The present value of *directive*."""
        return getattr(self, directive.attribute)

    def text(self, directive: Directive) -> str:
        """The present value of *directive* as ``CONFIG GET`` shows it."""
        return directive.kind.format(self.value(directive))

    # CONFIG GET and SET

    def get(self, patterns: Iterable[bytes]) -> dict[bytes, bytes]:
        """Names and values of the directives that any of *patterns* names.

        A pattern with no wildcard is a name, in any case, and comes back as it was written; only this way finds a
        hidden directive.
        """
        found: dict[bytes, bytes] = {}
        for pattern in patterns:
            lower = pattern.lower()
            if not any(wildcard in pattern for wildcard in b"[*?"):
                named = self.directives.get(to_text(lower))
                if named is not None and not any(name.lower() == lower for name in found):
                    found[pattern] = to_bytes(self.text(named))
                continue
            matches = compile_glob(lower)
            for name, directive in self.directives.items():
                if not directive.hidden and matches(name.encode()):
                    found.setdefault(name.encode(), to_bytes(self.text(directive)))
        return found

    def set(self, settings: Sequence[tuple[bytes, bytes]], *, is_local: bool = True) -> None:
        """Set all of *settings* or, raising :class:`ConfigError` with the text of Redis's reply, none of them.

        *is_local*: whether the client is on this machine, which decides what ``local`` permits.
        """
        chosen = self._chosen(settings, is_local)
        before = [(directive, self.value(directive)) for _, directive, _ in chosen]
        changed: list[Directive] = []
        at_fault = ""
        try:
            for name, directive, text in chosen:
                at_fault = name
                words = ([] if text == "" else text.split(" ")) if directive.kind.multiple else [text]
                value = self._parsed(directive, words)
                if value != self.value(directive) or directive.volatile:
                    setattr(self, directive.attribute, value)
                    changed.append(directive)
            for directive in changed:
                at_fault = directive.name
                self._call_hooks(directive)
        except ConfigError as error:
            self._put_back(before, changed)
            raise _failed(at_fault, str(error)) from None

    def _chosen(self, settings: Sequence[tuple[bytes, bytes]], is_local: bool) -> list[tuple[str, Directive, str]]:
        """The directives to set and their texts, once it is clear that each may be set."""
        chosen: dict[str, tuple[str, Directive, str]] = {}
        for given, data in settings:
            name = to_text(given).lower()
            directive = self.directives.get(name)
            if directive is None:
                shown = to_text(errors.until_nul(given))
                raise ConfigError(f"Unknown option or number of arguments for CONFIG SET - '{shown}'")
            if directive.immutable:
                raise _failed(to_text(given), "can't set immutable config")
            if directive.protected and not permits(self.enable_protected_configs, is_local):
                raise _failed(to_text(given), "can't set protected config")
            if name in chosen:
                raise _failed(to_text(given), "duplicate parameter")
            chosen[name] = (name, directive, to_text(data))
        return list(chosen.values())

    def _put_back(self, before: list[tuple[Directive, Any]], changed: list[Directive]) -> None:
        for directive, value in before:
            setattr(self, directive.attribute, value)
        for directive in changed:
            try:
                self._call_hooks(directive)
            except ConfigError:
                continue  # the old value was accepted once; there is nobody left to tell

    def _call_hooks(self, directive: Directive) -> None:
        for hook in self._hooks.get(directive, ()):
            hook()

    # The command line and the config file

    def set_at_startup(self, name: str, values: Sequence[str]) -> None:
        """Set directive *name*, immutable or not, to *values*: one line of a config file or one option of the command
        line.

        Raises :class:`ConfigError` with the text that redis-server prints. No hooks are called: nothing runs yet.
        """
        name = name.lower()
        directive = self.directives.get(name)
        if directive is None:
            self._set_other(name, values)
            return
        if not values or (len(values) > 1 and not directive.kind.multiple):
            raise ConfigError("wrong number of arguments")
        words = list(values)
        if directive.kind.multiple and len(words) == 1:
            words = [] if words == [""] else words[0].split(" ")
        value = self._parsed(directive, words)
        if directive.name == "save":
            # The first `save` line replaces the default save points, each further one adds to them.
            if value and self._has_save_points_of_its_own:
                value = self.save + value
            self._has_save_points_of_its_own = True
        setattr(self, directive.attribute, value)

    def _set_other(self, name: str, values: Sequence[str]) -> None:
        """The lines of a config file that are no directives."""
        if name == "rename-command" and len(values) == 2:
            self.renamed_commands[to_bytes(values[0]).lower()] = to_bytes(values[1]).lower()
        elif name == "user" and values:
            self.users.append(list(values))
        elif name == "loadmodule" and values:
            raise ConfigError("modules are not supported")
        elif name not in OBSOLETE or len(values) != 1:
            raise ConfigError("Bad directive or wrong number of arguments")

    def _parsed(self, directive: Directive, words: Sequence[str]) -> Any:
        value = directive.kind.parse(words, self.value(directive))
        if directive.check is not None and (objection := directive.check(value)) is not None:
            raise ConfigError(objection)
        return value


def permits(protection: str, is_local: bool) -> bool:
    """Whether *protection* (``no``, ``yes`` or ``local``) lets a client through."""
    return protection == "yes" or (protection == "local" and is_local)


def _failed(name: str, reason: str) -> ConfigError:
    return ConfigError(f"CONFIG SET failed (possibly related to argument '{name}') - {reason}")
