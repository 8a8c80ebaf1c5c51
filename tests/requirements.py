"""What a test does without: skip, or fail where everything has to run (``MINIREDIS_REQUIRE=all``)."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """End the test for want of *what*: a program, a package, a server."""
    if os.environ.get("MINIREDIS_REQUIRE") == "all":
        pytest.fail(f"needs {what}, and MINIREDIS_REQUIRE=all is set", pytrace=False)
    pytest.skip(f"needs {what}")
