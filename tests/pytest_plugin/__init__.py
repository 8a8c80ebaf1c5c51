"""The pytest plugin, as the suites see it that use it."""
