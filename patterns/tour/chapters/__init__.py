"""The chapters, in the order of the tour: one file for each theme, one function for each chapter.

A chapter needs a stage and a narrator, and nothing that another chapter has left behind.
"""

from __future__ import annotations

from typing import Final

from patterns.tour.chapter import Chapter
from patterns.tour.chapters.cache import cache_aside, read_through
from patterns.tour.chapters.coordination import leader, locks, semaphore
from patterns.tour.chapters.invalidation import invalidation
from patterns.tour.chapters.queue import queue
from patterns.tour.chapters.rankings import feed, leaderboard, visitors
from patterns.tour.chapters.rate_limits import ratelimit
from patterns.tour.chapters.requests import idempotency, sessions
from patterns.tour.chapters.round_trips import lua, pipelining, transactions
from patterns.tour.chapters.stampede import stampede
from patterns.tour.chapters.structures import structures
from patterns.tour.chapters.topology import cluster, replication
from patterns.tour.chapters.writes import write_behind, write_through

CHAPTERS: Final[tuple[Chapter, ...]] = (
    structures,
    cache_aside,
    read_through,
    write_through,
    write_behind,
    invalidation,
    stampede,
    pipelining,
    transactions,
    lua,
    sessions,
    idempotency,
    ratelimit,
    locks,
    semaphore,
    leader,
    queue,
    leaderboard,
    feed,
    visitors,
    replication,
    cluster,
)
