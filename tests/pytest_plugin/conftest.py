"""Test suites that use the plugin, run by the plugin as pytest finds it: by its entry point."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

import miniredis.testing  # noqa: F401  lest each suite in this process imports it anew

Suite = Callable[..., pytest.RunResult]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Runs a test suite of one file, where every warning is an error, in this process or in one of its own."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # that of these tests is none of theirs
    pytester.makeini("[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n")

    def run(source: str, *options: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_it="import pytest\n" + textwrap.dedent(source))
        return (pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess)("-rs", *options)

    return run
