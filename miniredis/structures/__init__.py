"""Data structures that know nothing of Redis's engine: each is a value with methods, and no clock, client or keyspace.

They are ordinary Python objects whose costs are stated where they are defined, so that a command can promise what Redis
promises (a rank in O(log n), a cursor that survives resizing, a pattern that cannot blow up) by delegating to one of
them. Nothing here imports from the rest of miniredis.
"""
