"""The pattern library: each file runs on miniredis, whose clock it moves, and again on a real server."""
