"""INFO: the sections in their order, with the very fields that the emulated version has.

The rule of this file: clients and exporters find every field that they look for, under its name and in its section.
Where an engine has no such thing (forks, replicas, an allocator of its own) the field says so with the value that a
server has which never had one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, TypeAlias

from miniredis.commands.server.process import cpu_times, resident_memory, system_memory
from miniredis.commands.server.replication import replica_address
from miniredis.engine import field_expiry
from miniredis.engine.client_buffers import measure
from miniredis.engine.command import command
from miniredis.engine.config import Config
from miniredis.engine.directives import format_percentile
from miniredis.engine.engine import Engine
from miniredis.engine.keyspace import Database
from miniredis.engine.latency import percentile
from miniredis.engine.master import CONNECTED, Master
from miniredis.engine.memory import STARTUP
from miniredis.engine.memory_usage import database_overhead
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Reply, Verbatim

Fields: TypeAlias = "Iterable[tuple[str, object]]"

TTL_SAMPLES: Final = 1000


@command(
    "INFO [section [section ...]]",
    arity=-1,
    summary="Returns information and statistics about the server.",
    since="1.0.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
    categories="dangerous",
    tips=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    history=[
        ("7.0.0", "Added support for taking multiple section arguments."),
    ],
)
def info(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    wanted = {section.lower().decode(errors="replace") for section in argv[1:]} or {"default"}
    parts = []
    for section in SECTIONS:
        if section.only not in ("", engine.version.family) or not engine.version.has(section.since):
            continue
        if wanted & {section.name, "all", "everything"} or (section.by_default and "default" in wanted):
            lines = "".join(f"{name}:{value}\r\n" for name, value in section.fields(engine))
            parts.append(f"# {section.title}\r\n{lines}")
    return Verbatim("\r\n".join(parts).encode(errors="surrogateescape"))


def human(size: float) -> str:
    """*size* in bytes as INFO shows it to people: ``1.16M``."""
    for unit, limit in (("B", 1 << 10), ("K", 1 << 20), ("M", 1 << 30), ("G", 1 << 40), ("T", 1 << 50)):
        if size < limit:
            return f"{size:.0f}B" if unit == "B" else f"{size / (limit >> 10):.2f}{unit}"
    return f"{size / (1 << 50):.2f}P"


def dotted(number: tuple[int, ...]) -> str:
    """A version number as text."""
    return ".".join(map(str, number))


def _server(engine: Engine) -> Fields:
    import platform  # takes its time, and is needed nowhere else

    version, config, is_valkey = engine.version, engine.config, engine.version.is_valkey
    yield "redis_version", dotted(version.redis)
    if is_valkey:
        yield from (("server_name", "valkey"), ("valkey_version", dotted(version.number)))
        yield "valkey_release_stage", "ga"
    yield from (("redis_git_sha1", "00000000"), ("redis_git_dirty", 0), ("redis_build_id", "0"))
    yield "server_mode" if is_valkey else "redis_mode", "standalone"
    system = platform.uname()
    yield "os", f"{system.system} {system.release} {system.machine}"
    yield "arch_bits", 64 if sys.maxsize > 1 << 32 else 32
    yield "monotonic_clock", "POSIX clock_gettime"
    yield "multiplexing_api", "epoll" if sys.platform == "linux" else "kqueue"
    if not is_valkey:
        yield "atomicvar_api", "c11-builtin"
    yield "gcc_version", platform.python_compiler().rpartition(" ")[2]
    yield from (("process_id", os.getpid()), ("process_supervised", "no"), ("run_id", engine.run_id))
    yield from (("tcp_port", config.port or config.tls_port), ("server_time_usec", engine.clock.ns() // 1000))
    uptime = max(engine.now - engine.started_at, 0) // 1000
    yield from (("uptime_in_seconds", uptime), ("uptime_in_days", uptime // 86400))
    yield from (("hz", config.hz), ("configured_hz", config.hz))
    if is_valkey:
        yield "clients_hz", config.hz
    yield "lru_clock", engine.second & 0xFFFFFF
    yield from (("executable", sys.executable), ("config_file", config.file), ("io_threads_active", 0))
    if is_valkey:
        yield "availability_zone", ""
    if version.redis >= (7, 2):
        yield from _listeners(config)


def _listeners(config: Config) -> Fields:
    """Where clients come in, each way under the number that its kind has."""
    addresses = "".join(f",bind={address}" for address in config.bind)
    if config.port:
        yield "listener0", f"name=tcp{addresses},port={config.port}"
    if config.unixsocket:
        yield "listener1", f"name=unix,bind={config.unixsocket}"
    if config.tls_port:
        yield "listener2", f"name=tls{addresses},port={config.tls_port}"


def _tls(engine: Engine) -> Fields:
    for certificate in ("server", "client", "ca"):
        yield from ((f"tls_{certificate}_cert_serial", "none"), (f"tls_{certificate}_cert_expires_in_seconds", 0))


def _clients(engine: Engine) -> Fields:
    sessions = engine.sessions.values()
    blocked = engine.blocked_clients.clients
    yield from (("connected_clients", len(sessions)), ("cluster_connections", 0))
    yield "maxclients", engine.config.maxclients
    usages = [measure(session) for session in sessions]
    yield "client_recent_max_input_buffer", max((usage.query_capacity + usage.argv for usage in usages), default=0)
    yield "client_recent_max_output_buffer", max((usage.output for usage in usages), default=0)
    yield from (("blocked_clients", len(blocked)), ("tracking_clients", engine.tracking.clients))
    if engine.version.redis >= (8, 0) or engine.version.is_valkey:
        yield "pubsub_clients", sum(session.is_subscribed for session in sessions)
        yield "watching_clients", sum(bool(session.watched) for session in sessions)
    yield "clients_in_timeout_table", sum(each.timer is not None for each in blocked)
    if engine.version.redis >= (8, 0) or engine.version.is_valkey:
        yield "total_watched_keys", sum(len(database.watched) for database in engine.databases)
    if engine.version.redis >= (7, 2):
        queues = [queue for database in engine.databases for queue in database.waiting.values()]
        on_nokey = sum(any(waiter.unblock_on_nokey for waiter in queue) for queue in queues)
        yield from (("total_blocking_keys", len(queues)), ("total_blocking_keys_on_nokey", on_nokey))
    if engine.version.is_valkey:
        pause = engine.pause
        yield "paused_reason", "client_pause" if pause.active else "none"
        yield "paused_actions", ("write" if pause.writes_only else "all") if pause.active else "none"
        yield "paused_timeout_milliseconds", max(pause.until - engine.now, 0)


def _memory(engine: Engine) -> Fields:
    config, is_valkey = engine.config, engine.version.is_valkey
    is_later = engine.version.redis >= (8, 0)
    resident, used = resident_memory(), engine.memory.used()
    startup, peak = STARTUP, engine.memory.peak
    overhead = startup + sum(sum(database_overhead(database)) for database in engine.databases)
    dataset = max(used - overhead, 0)
    total = system_memory()
    yield from (("used_memory", used), ("used_memory_human", human(used)))
    yield from (("used_memory_rss", resident), ("used_memory_rss_human", human(resident)))
    yield from (("used_memory_peak", peak), ("used_memory_peak_human", human(peak)))
    if is_later:
        yield "used_memory_peak_time", engine.second
    yield "used_memory_peak_perc", f"{share(used, peak):.2f}%"
    yield from (("used_memory_overhead", overhead), ("used_memory_startup", startup))
    yield "used_memory_dataset", dataset
    yield "used_memory_dataset_perc", f"{share(dataset, used - startup):.2f}%"
    yield from ((f"allocator_{name}", used) for name in ("allocated", "active", "resident"))
    if is_valkey or is_later:
        yield "allocator_muzzy", 0
    yield from (("total_system_memory", total), ("total_system_memory_human", human(total)))
    yield from (("used_memory_lua", 0), ("used_memory_vm_eval", 0), ("used_memory_lua_human", "0B"))
    scripting = engine.used_scripting
    yield "used_memory_scripts_eval", 0 if scripting is None else scripting.scripts.memory
    yield "number_of_cached_scripts", 0 if scripting is None else len(scripting.scripts)
    yield "number_of_functions", 0 if scripting is None else scripting.functions.function_count
    yield "number_of_libraries", 0 if scripting is None else len(scripting.functions.libraries)
    yield from (("used_memory_vm_functions", 0), ("used_memory_vm_total", 0))
    yield from (("used_memory_vm_total_human", "0B"), ("used_memory_functions", 0), ("used_memory_scripts", 0))
    yield "used_memory_scripts_human", "0B"
    yield from (("maxmemory", config.maxmemory), ("maxmemory_human", human(config.maxmemory)))
    yield "maxmemory_policy", config.maxmemory_policy
    for name in ("allocator_frag", "allocator_rss", "rss_overhead", "mem_fragmentation"):
        yield from ((f"{name}_ratio", "1.00"), (f"{name}_bytes", 0))
    yield from (("mem_not_counted_for_evict", 0), ("mem_replication_backlog", 0), ("mem_total_replication_buffers", 0))
    if is_valkey:
        yield "mem_replicas_repl_buffer", 0
    if is_later:
        yield "mem_replica_full_sync_buffer", 0
    of_replicas = sum(measure(session).total for session in engine.replication.replicas)
    of_all = sum(measure(session).total for session in engine.sessions.values())
    yield from (("mem_clients_slaves", of_replicas), ("mem_clients_normal", of_all - of_replicas))
    yield "mem_cluster_links", 0
    if is_valkey:
        yield from (("mem_cluster_slot_import", 0), ("mem_cluster_slot_export", 0))
    yield from (("mem_aof_buffer", 0), ("mem_allocator", "libc"))
    if is_valkey or is_later:
        yield "mem_overhead_db_hashtable_rehashing", 0
    yield from (("active_defrag_running", 0), ("lazyfree_pending_objects", 0))
    yield "lazyfreed_objects", engine.statistics.lazyfreed_objects


def share(part: float, whole: float) -> float:
    """*part* of *whole* in percent."""
    return part / whole * 100 if whole > 0 else 0.0


def _persistence(engine: Engine) -> Fields:
    persistence, is_logging = engine.persistence, engine.config.appendonly
    status = "ok" if persistence.last_background_save_ok else "err"
    yield from (("loading", 0), ("async_loading", 0), ("current_cow_peak", 0), ("current_cow_size", 0))
    yield from (("current_cow_size_age", 0), ("current_fork_perc", "0.00"))
    yield from (("current_save_keys_processed", 0), ("current_save_keys_total", 0))
    yield from (("rdb_changes_since_last_save", engine.dirty), ("rdb_bgsave_in_progress", 0))
    yield from (("rdb_last_save_time", persistence.last_save), ("rdb_last_bgsave_status", status))
    yield "rdb_last_bgsave_time_sec", 0 if persistence.background_saves else -1
    yield "rdb_current_bgsave_time_sec", -1
    yield from (("rdb_saves", persistence.saves), ("rdb_last_cow_size", 0))
    yield "rdb_last_load_keys_expired", persistence.keys_expired
    yield "rdb_last_load_keys_loaded", persistence.keys_loaded
    yield from (("aof_enabled", int(is_logging)), ("aof_rewrite_in_progress", 0), ("aof_rewrite_scheduled", 0))
    yield from (("aof_last_rewrite_time_sec", 0 if persistence.rewrites else -1), ("aof_current_rewrite_time_sec", -1))
    yield from (("aof_last_bgrewrite_status", "ok"), ("aof_rewrites", persistence.rewrites))
    yield from (("aof_rewrites_consecutive_failures", 0), ("aof_last_write_status", "ok"), ("aof_last_cow_size", 0))
    yield from (("module_fork_in_progress", 0), ("module_fork_last_cow_size", 0))
    if engine.version.is_valkey:
        yield "slot_migration_fork_in_progress", 0
    if is_logging:
        yield from (("aof_current_size", 0), ("aof_base_size", 0), ("aof_pending_rewrite", 0))
        yield from (("aof_buffer_length", 0), ("aof_pending_bio_fsync", 0), ("aof_delayed_fsync", 0))


def _stats(engine: Engine) -> Fields:
    yield from _traffic(engine)
    yield from _turnover(engine)
    yield from _work(engine)


def _traffic(engine: Engine) -> Fields:
    """What came and went."""
    statistics, replication, is_valkey = engine.statistics, engine.replication, engine.version.is_valkey
    commands = sum(state.calls for state in engine.command_states())
    rates = statistics.rates(engine.clock.ns(), commands)
    yield from (("total_connections_received", statistics.connections_received), ("total_commands_processed", commands))
    yield "instantaneous_ops_per_sec", round(rates.commands)
    yield from (("total_net_input_bytes", statistics.input_bytes), ("total_net_output_bytes", statistics.output_bytes))
    yield from (("total_net_repl_input_bytes", 0), ("total_net_repl_output_bytes", 0))
    if is_valkey:
        yield from (("total_net_cluster_slot_import_bytes", 0), ("total_net_cluster_slot_export_bytes", 0))
    yield "instantaneous_input_kbps", f"{rates.input_bytes / 1024:.2f}"
    yield "instantaneous_output_kbps", f"{rates.output_bytes / 1024:.2f}"
    yield from (("instantaneous_input_repl_kbps", "0.00"), ("instantaneous_output_repl_kbps", "0.00"))
    yield "rejected_connections", statistics.rejected_connections
    yield from (("sync_full", replication.full_syncs), ("sync_partial_ok", replication.partial_syncs))
    yield "sync_partial_err", replication.partial_refusals


def _turnover(engine: Engine) -> Fields:
    """What became of the keys."""
    statistics, is_valkey = engine.statistics, engine.version.is_valkey
    is_later = engine.version.redis >= (8, 0)
    if is_later:
        yield "expired_subkeys", statistics.expired_fields
    yield "expired_keys", statistics.expired_keys
    if is_valkey:
        yield "expired_fields", statistics.expired_fields
    yield "expired_stale_perc", "0.00"
    if is_valkey:
        yield "expired_keys_with_volatile_items_stale_perc", "0.00"
    yield "expired_time_cap_reached_count", 0
    yield from (
        ("expire_cycle_cpu_milliseconds", 0),
        ("evicted_keys", engine.statistics.evicted_keys),
        ("evicted_clients", engine.statistics.evicted_clients),
    )
    if is_valkey or is_later:
        yield "evicted_scripts", 0
    yield from (("total_eviction_exceeded_time", 0), ("current_eviction_exceeded_time", 0))
    yield from (("keyspace_hits", statistics.keyspace_hits), ("keyspace_misses", statistics.keyspace_misses))
    yield from (("pubsub_channels", len(engine.pubsub.channels)), ("pubsub_patterns", len(engine.pubsub.patterns)))
    yield "pubsubshard_channels", len(engine.pubsub.shard_channels)
    yield from (("latest_fork_usec", 0), ("total_forks", 0), ("migrate_cached_sockets", 0))
    yield from (("slave_expires_tracked_keys", 0), ("active_defrag_hits", 0), ("active_defrag_misses", 0))
    yield from (("active_defrag_key_hits", 0), ("active_defrag_key_misses", 0))
    yield from (("total_active_defrag_time", 0), ("current_active_defrag_time", 0))
    tracking = engine.tracking
    yield from (("tracking_total_keys", tracking.total_keys), ("tracking_total_items", tracking.total_items))
    yield "tracking_total_prefixes", tracking.total_prefixes


def _work(engine: Engine) -> Fields:
    """What the server did besides."""
    statistics, is_valkey = engine.statistics, engine.version.is_valkey
    yield "unexpected_error_replies", 0
    yield from (("total_error_replies", sum(statistics.errors.values())), ("dump_payload_sanitizations", 0))
    yield "total_reads_processed", statistics.reads_processed
    yield "total_writes_processed", statistics.writes_processed
    yield from (("io_threaded_reads_processed", 0), ("io_threaded_writes_processed", 0))
    if is_valkey:
        yield from (("io_threaded_freed_objects", 0), ("io_threaded_accept_processed", 0))
        yield "io_threaded_poll_processed", 0
    if is_valkey or engine.version.redis >= (8, 0):
        yield from (("io_threaded_total_prefetch_batches", 0), ("io_threaded_total_prefetch_entries", 0))
        yield from (("client_query_buffer_limit_disconnections", 0), ("client_output_buffer_limit_disconnections", 0))
    yield from (("reply_buffer_shrinks", 0), ("reply_buffer_expands", 0))
    if engine.version.redis >= (7, 2):
        yield from (("eventloop_cycles", 0), ("eventloop_duration_sum", 0), ("eventloop_duration_cmd_sum", 0))
        yield from (("instantaneous_eventloop_cycles_per_sec", 0), ("instantaneous_eventloop_duration_usec", 0))
        denied = statistics.access_denied
        yield from (("acl_access_denied_auth", denied["auth"]), ("acl_access_denied_cmd", denied["command"]))
        yield from (("acl_access_denied_key", denied["key"]), ("acl_access_denied_channel", denied["channel"]))
        if is_valkey:
            yield from (("acl_access_denied_tls_cert", 0), ("acl_access_denied_db", denied["database"]))


def _replication(engine: Engine) -> Fields:
    replication, config = engine.replication, engine.config
    if replication.master is None:
        yield "role", "master"
    else:
        yield from _followed(engine, replication.master)
    yield "connected_slaves", len(replication.replicas)
    if config.min_replicas_to_write and config.min_replicas_max_lag:
        yield "min_slaves_good_slaves", replication.good_replicas()
    for index, (session, replica) in enumerate(replication.replicas.items()):
        lag = engine.second - replica.last_seen // 1000
        place = f"ip={replica_address(session)},port={replica.port}"
        kind = ",type=replica" if engine.version.is_valkey else ""
        yield f"slave{index}", f"{place},state=online,offset={replica.acknowledged},lag={lag}{kind}"
    if engine.version.is_valkey:
        yield "replicas_waiting_psync", 0
    yield from (("master_failover_state", "no-failover"), ("master_replid", replication.id))
    yield from (("master_replid2", replication.former_id), ("master_repl_offset", replication.offset))
    yield from (("second_repl_offset", replication.former_end), ("repl_backlog_active", int(replication.has_stream)))
    yield "repl_backlog_size", config.repl_backlog_size
    first, length = replication.backlog_range()
    yield from (("repl_backlog_first_byte_offset", first), ("repl_backlog_histlen", length))


def _followed(engine: Engine, master: Master) -> Fields:
    """What a replica says of its master."""
    config, is_up = engine.config, master.state == CONNECTED
    yield from (("role", "slave"), ("master_host", master.host.decode(errors="surrogateescape")))
    yield from (("master_port", master.port), ("master_link_status", "up" if is_up else "down"))
    yield from (("master_last_io_seconds_ago", -1), ("master_sync_in_progress", 0))
    yield from (("slave_read_repl_offset", max(master.offset, 0)), ("slave_repl_offset", max(master.offset, 0)))
    if engine.version.is_valkey:
        yield from (("replicas_repl_buffer_size", 0), ("replicas_repl_buffer_peak", 0))
    if not is_up:
        yield "master_link_down_since_seconds", -1
    yield from (("slave_priority", config.replica_priority), ("slave_read_only", int(config.replica_read_only)))
    yield "replica_announced", int(config.replica_announced)


def _cpu(engine: Engine) -> Fields:
    for suffix, times in cpu_times().items():
        yield from ((f"used_cpu_sys{suffix}", f"{times.system:.6f}"), (f"used_cpu_user{suffix}", f"{times.user:.6f}"))
    if engine.version.is_valkey:
        busy = sum(state.nanoseconds for state in engine.command_states()) / 1e9
        yield "used_active_time_main_thread", f"{busy:.6f}"


def _modules(engine: Engine) -> Fields:
    if engine.version.is_valkey:
        options = "[handle-repl-async-load|handle-atomic-slot-migration]"
        yield "module", f"name=lua,ver=1,api=1,filters=0,usedby=[],using=[],options={options}"


def _nothing(engine: Engine) -> Fields:
    return ()


def _command_stats(engine: Engine) -> Fields:
    for state in engine.command_states():
        if state.calls or state.failed_calls or state.rejected_calls:
            microseconds = state.nanoseconds // 1000
            per_call = microseconds / state.calls if state.calls else 0.0
            yield (
                f"cmdstat_{state.command.name}",
                f"calls={state.calls},usec={microseconds},usec_per_call={per_call:.2f},"
                f"rejected_calls={state.rejected_calls},failed_calls={state.failed_calls}",
            )


def _error_stats(engine: Engine) -> Fields:
    for code, count in sorted(engine.statistics.errors.items()):
        yield f"errorstat_{code.decode(errors='surrogateescape')}", f"count={count}"


def _latency_stats(engine: Engine) -> Fields:
    if not engine.config.latency_tracking:
        return
    for state in engine.command_states():
        if any(state.durations):
            yield (
                f"latency_percentiles_usec_{state.command.name}",
                ",".join(
                    f"p{format_percentile(percent)}={percentile(state.durations, percent) / 1000:.3f}"
                    for percent in engine.config.latency_tracking_info_percentiles
                ),
            )


def _cluster(engine: Engine) -> Fields:
    yield "cluster_enabled", int(engine.config.cluster_enabled)


def _scripting_engines(engine: Engine) -> Fields:
    yield from (("engines_count", 1), ("engines_total_used_memory", 0), ("engines_total_memory_overhead", 0))
    yield "engine_0", "name=LUA,module=lua,abi_version=4,used_memory=0,memory_overhead=0"


def _keyspace(engine: Engine) -> Fields:
    for database in engine.databases:
        if database.data:
            figures = f"keys={len(database.data)},expires={len(database.expires)},avg_ttl={_average_ttl(database)}"
            if engine.version.is_valkey:
                figures += f",keys_with_volatile_items={field_expiry.count_keys(database)}"
            elif engine.version.redis >= (7, 4):
                figures += f",subexpiry={field_expiry.count_keys(database)}"
            yield f"db{database.number}", figures


def _average_ttl(database: Database) -> int:
    """The average time to live in milliseconds, of a sample: Redis too knows it only from what it has looked at."""
    now = database.engine.now
    sample = [max(when - now, 0) for when in islice(database.expires.values(), TTL_SAMPLES)]
    return sum(sample) // len(sample) if sample else 0


def _threads(engine: Engine) -> Fields:
    yield "io_thread_0", f"clients={len(engine.sessions)},reads=0,writes=0"


@record
class Section:
    """A section of INFO. *only*: the server family that has it, if not both; *since*: of Redis, which brought it."""

    name: str
    title: str
    fields: Callable[[Engine], Fields]
    by_default: bool = True
    only: str = ""
    since: str = "1.0.0"


SECTIONS: Final = (
    Section("server", "Server", _server),
    Section("tls", "TLS", _tls, by_default=False, only="valkey"),
    Section("clients", "Clients", _clients),
    Section("memory", "Memory", _memory),
    Section("persistence", "Persistence", _persistence),
    Section("threads", "Threads", _threads, only="redis", since="8.0.0"),
    Section("stats", "Stats", _stats),
    Section("replication", "Replication", _replication),
    Section("cpu", "CPU", _cpu),
    Section("modules", "Modules", _modules),
    Section("commandstats", "Commandstats", _command_stats, by_default=False),
    Section("errorstats", "Errorstats", _error_stats),
    Section("latencystats", "Latencystats", _latency_stats, by_default=False),
    Section("cluster", "Cluster", _cluster),
    Section("cluster_info", "Cluster Info", _nothing, by_default=False, only="valkey"),
    Section("scriptingengines", "Scripting Engines", _scripting_engines, by_default=False, only="valkey"),
    Section("keyspace", "Keyspace", _keyspace),
)
