"""CLUSTER's subcommands about hash slots: which node has them, what is in them, and how they move."""

from __future__ import annotations

from miniredis.commands.cluster import refused
from miniredis.engine.command import Variant

PER_SLOT = "O(N) where N is the total number of hash slot arguments"
PER_SLOT_OF_RANGES = "O(N) where N is the total number of the slots between the start slot and end slot arguments."

refused(
    "CLUSTER|SLOTS",
    arity=2,
    summary="Returns the mapping of cluster slots to nodes.",
    since="3.0.0",
    complexity="O(N) where N is the total number of Cluster nodes",
    flags="loading stale",
    tips=["nondeterministic_output"],
    history=[
        ("4.0.0", "Added node IDs."),
        ("7.0.0", "Added additional networking metadata field."),
        ("valkey 9.1.0", "Added `availability-zone` field inside the networking metadata."),
    ],
    deprecated_since="7.0.0",
    replaced_by="`CLUSTER SHARDS`",
    variants=[Variant(until="7.2.0", flags="stale"), Variant(valkey_since="8.0.0", deprecated=False)],
)
refused(
    "CLUSTER|SHARDS",
    arity=2,
    summary="Returns the mapping of cluster slots to shards.",
    since="7.0.0",
    complexity="O(N) where N is the total number of cluster nodes",
    flags="loading stale",
    tips=["nondeterministic_output"],
    history=[("valkey 9.1.0", "Added shard level `id` field and node level `availability-zone` field.")],
    variants=[Variant(until="7.2.0", flags="stale")],
)
refused(
    "CLUSTER|COUNTKEYSINSLOT slot",
    arity=3,
    summary="Returns the number of keys in a hash slot.",
    since="3.0.0",
    complexity="O(1)",
    flags="stale",
)
refused(
    "CLUSTER|GETKEYSINSLOT slot count",
    arity=4,
    summary="Returns the key names in a hash slot.",
    since="3.0.0",
    complexity="O(N) where N is the number of requested keys",
    flags="stale",
    tips=["nondeterministic_output"],
)
refused(
    "CLUSTER|SLOT-STATS <SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]>",
    arity=-4,
    summary="Return an array of slot usage statistics for slots assigned to the current node.",
    since="8.2.0",
    valkey_since="8.0.0",
    complexity=("O(N) where N is the total number of slots based on arguments. O(N*log(N)) with ORDERBY subcommand."),
    flags="loading stale",
    tips=["nondeterministic_output", "request_policy:all_shards"],
    names=["filter", "slotsrange", "orderby", "order"],
    details={"ORDERBY": "leads=block"},
)

refused(
    "CLUSTER|ADDSLOTS slot [slot ...]",
    arity=-3,
    summary="Assigns new hash slots to a node.",
    since="3.0.0",
    complexity=PER_SLOT,
    flags="admin stale no_async_loading",
)
refused(
    "CLUSTER|ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]",
    arity=-4,
    summary="Assigns new hash slot ranges to a node.",
    since="7.0.0",
    complexity=PER_SLOT_OF_RANGES,
    flags="admin stale no_async_loading",
    names=["range"],
)
refused(
    "CLUSTER|DELSLOTS slot [slot ...]",
    arity=-3,
    summary="Sets hash slots as unbound for a node.",
    since="3.0.0",
    complexity=PER_SLOT,
    flags="admin stale no_async_loading",
)
refused(
    "CLUSTER|DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]",
    arity=-4,
    summary="Sets hash slot ranges as unbound for a node.",
    since="7.0.0",
    complexity=PER_SLOT_OF_RANGES,
    flags="admin stale no_async_loading",
    names=["range"],
)
refused(
    "CLUSTER|FLUSHSLOTS",
    arity=2,
    summary="Deletes all slots information from a node.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
)
refused(
    "CLUSTER|FLUSHSLOT slot [ASYNC | SYNC]",
    arity=-3,
    summary="Removes all keys from the target slot.",
    since="",
    valkey_since="9.0.0",
    complexity="O(N) where N is the number of keys in the target slot",
    flags="write admin no_async_loading",
    categories="keyspace",
    names=["flush-type"],
)
refused(
    "CLUSTER|SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE> [TIMEOUT timeout]",
    arity=-4,
    summary="Binds a hash slot to a node.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
    history=[("valkey 8.0.0", "Added the `TIMEOUT` option.")],
    names=["subcommand"],
    details={
        "IMPORTING": "name=importing",
        "MIGRATING": "name=migrating",
        "NODE": "name=node",
        "TIMEOUT": "valkey-since=8.0.0",
    },
)

refused(
    "CLUSTER|MIGRATESLOTS SLOTSRANGE start-slot end-slot [start-slot end-slot ...] NODE node-id"
    " [SLOTSRANGE start-slot end-slot [start-slot end-slot ...] NODE node-id ...]",
    arity=-4,
    summary="Migrate the given slots from this node to the specified nodes.",
    since="",
    valkey_since="9.0.0",
    complexity="O(N) where N is the total number of the slots between all start slot and end slot arguments.",
    flags="admin stale no_async_loading",
    names=["migration-group", "range"],
    details={"SLOTSRANGE": "name=slotsrange-token leads=none", "NODE": "name=node-token leads=none"},
)
refused(
    "CLUSTER|GETSLOTMIGRATIONS",
    arity=2,
    summary="Gets the status of ongoing and recently finished slot import and export operations.",
    since="",
    valkey_since="9.0.0",
    complexity="O(N), where N is the number of active slot import and export jobs.",
    flags="admin stale no_async_loading",
)
refused(
    "CLUSTER|CANCELSLOTMIGRATIONS",
    arity=2,
    summary="Cancel all current ongoing slot migration operations.",
    since="",
    valkey_since="9.0.0",
    complexity="O(N), where N is the number of slot migration operations being cancelled.",
    flags="admin stale no_async_loading",
)
refused(
    "CLUSTER|SYNCSLOTS",
    arity=-3,
    summary="A container for internal slot migration commands.",
    since="",
    valkey_since="9.0.0",
    complexity="Depends on subcommand.",
    flags="admin stale no_async_loading",
    doc_flags=["syscmd"],
)
