"""Real servers for the tests that compare with one.

Each is started once per test process (so once per xdist worker) and shared by all its tests: empty it before use.
A machine without one skips what needs it, and says so; where everything has to run, ``MINIREDIS_REQUIRE=all`` turns
that into a failure.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from conformance.servers import Server, find_server, find_servers, start
from tests.requirements import missing

# A busy machine is no failure; a failure can be repeated from what it prints.
settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")


def start_real_server(name: str) -> Iterator[Server]:
    """Run the installed server of that series (``redis-7.0``); skip the test, or fail it, when there is none."""
    binary = find_server(name)
    if binary is None:
        found = ", ".join(str(each) for each in find_servers()) or "none"
        missing(f"a real {name} server; found: {found}")
    with start(binary) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """A running Redis 7.0."""
    yield from start_real_server("redis-7.0")


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Server]:
    """A running Valkey 9.1, which continues Redis 7.2."""
    yield from start_real_server("valkey-9.1")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and 127.0.0.1, signed by itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("the openssl program, to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key
