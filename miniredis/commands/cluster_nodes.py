"""CLUSTER's subcommands about nodes: who they are, who replicates whom, and what they know of each other."""

from __future__ import annotations

from miniredis.commands.cluster import refused
from miniredis.engine.command import Variant

PER_NODE = "O(N) where N is the total number of Cluster nodes"
PER_REPLICA = "O(N) where N is the number of replicas."

WHILE_LOADING = (Variant(valkey_since="8.0.0", flags="loading stale"),)
"""Valkey tells of a node while it loads its dataset, too."""

refused(
    "CLUSTER|INFO",
    arity=2,
    summary="Returns information about the state of a node.",
    since="3.0.0",
    complexity="O(1)",
    flags="stale",
    tips=["nondeterministic_output"],
    variants=WHILE_LOADING,
)
refused(
    "CLUSTER|NODES",
    arity=2,
    summary="Returns the cluster configuration for a node.",
    since="3.0.0",
    complexity=PER_NODE,
    flags="stale",
    tips=["nondeterministic_output"],
    variants=WHILE_LOADING,
)
refused(
    "CLUSTER|MYID",
    arity=2,
    summary="Returns the ID of a node.",
    since="3.0.0",
    complexity="O(1)",
    flags="stale",
    variants=WHILE_LOADING,
)
refused(
    "CLUSTER|MYSHARDID",
    arity=2,
    summary="Returns the shard ID of a node.",
    since="7.2.0",
    complexity="O(1)",
    flags="stale",
    tips=["nondeterministic_output"],
    variants=WHILE_LOADING,
)
refused(
    "CLUSTER|LINKS",
    arity=2,
    summary="Returns a list of all TCP links to and from peer nodes.",
    since="7.0.0",
    complexity=PER_NODE,
    flags="stale",
    tips=["nondeterministic_output"],
)
refused(
    "CLUSTER|COUNT-FAILURE-REPORTS node-id",
    arity=3,
    summary=(
        "Returns the number of active failure reports for a node. No new reports are created once the node is marked as"
        " failed."
    ),
    since="3.0.0",
    complexity="O(N) where N is the number of failure reports",
    flags="admin stale",
    tips=["nondeterministic_output"],
    history=[("valkey 9.0.0", "Ignore additional failure reports for a node which has been marked as failed.")],
)
refused(
    "CLUSTER|REPLICAS node-id",
    arity=3,
    summary="Lists the replica nodes of a primary node.",
    since="5.0.0",
    complexity=PER_REPLICA,
    flags="admin stale",
    tips=["nondeterministic_output"],
)
refused(
    "CLUSTER|SLAVES node-id",
    arity=3,
    summary="Lists the replica nodes of a primary node.",
    since="3.0.0",
    complexity=PER_REPLICA,
    flags="admin stale",
    tips=["nondeterministic_output"],
    deprecated_since="5.0.0",
    replaced_by="`CLUSTER REPLICAS`",
)

refused(
    "CLUSTER|MEET ip port [cluster-bus-port]",
    arity=-4,
    summary="Forces a node to handshake with another node.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
    history=[("4.0.0", "Added the optional `cluster_bus_port` argument.")],
    details={"cluster-bus-port": "since=4.0.0"},
)
refused(
    "CLUSTER|FORGET node-id",
    arity=3,
    summary="Removes a node from the nodes table.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
)
refused(
    "CLUSTER|REPLICATE <node-id | NO ONE>",
    arity=3,
    summary="Configures a node as replica of a primary node or detaches a replica from its primary.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
    history=[
        (
            "valkey 9.0.0",
            ("Added support of 'NO ONE' arg instead of <node-id> resulting into detaching replica from primary node."),
        ),
    ],
    names=["args", "no-one"],
    details={"no-one": "valkey-since=9.0.0"},
    variants=[Variant(valkey_since="9.0.0", arity=-3)],
)
refused(
    "CLUSTER|FAILOVER [FORCE | TAKEOVER]",
    arity=-2,
    summary="Forces a replica to perform a manual failover of its primary.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
    names=["options"],
)
refused(
    "CLUSTER|RESET [HARD | SOFT]",
    arity=-2,
    summary="Resets a node.",
    since="3.0.0",
    complexity="O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.",
    flags="admin noscript stale",
    names=["reset-type"],
)
refused(
    "CLUSTER|SAVECONFIG",
    arity=2,
    summary="Forces a node to save the cluster configuration to disk.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
)
refused(
    "CLUSTER|BUMPEPOCH",
    arity=2,
    summary="Advances the cluster config epoch.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
    tips=["nondeterministic_output"],
)
refused(
    "CLUSTER|SET-CONFIG-EPOCH config-epoch",
    arity=3,
    summary="Sets the configuration epoch for a new node.",
    since="3.0.0",
    complexity="O(1)",
    flags="admin stale no_async_loading",
)
