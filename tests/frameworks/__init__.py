"""Frameworks that live on Redis do their ordinary work, on miniredis and on a real Redis, with the same results.

Whatever a test here says must hold on both servers: one that fails on miniredis alone has found a bug in it. ``make
test-frameworks`` installs the frameworks (extra ``frameworks``, and ``node/package.json``) and runs these tests; where
one is not installed, its tests are skipped.
"""
