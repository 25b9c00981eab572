from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import Folder, NamedFile

GIB = 1 << 30


def folder(purpose: str = "TMPDIR", **fields: Any) -> Folder:
    sound = {"writable": True, "free_bytes": 50 * GIB, "free_inodes": 10**6, "no_exec": False}
    return Folder(purpose=purpose, path=f"/x/{purpose}", exists=True, **{**sound, **fields})


@pytest.mark.parametrize(
    ("fields", "subject", "fact"),
    [
        ({"writable": False}, "rights", "may not be written to"),
        ({"free_bytes": 0}, "space", "0.0 GiB free"),
        ({"free_inodes": 3}, "space", "3 files left"),
        ({"no_exec": True}, "noexec", "noexec"),
    ],
)
def test_a_folder_that_does_not_serve(fields, subject, fact, run, snapshot, machine, environment):
    sick = snapshot(
        machine=machine(folders=(folder(**fields),)), environment=environment({"torch": "2.13.0"})
    )
    (found,) = run("disk-or-cache-not-writable", sick)
    assert (found.status, found.subject) == ("warn", subject)
    assert fact in found.evidence[0].fact
    assert found.remedies[0].command.startswith("export TMPDIR=")


@pytest.mark.parametrize(
    "sound",
    [
        folder(),
        folder(free_bytes=None, free_inodes=None, no_exec=None),
        folder("HF_HOME", writable=False),
        folder("TORCH_HOME", writable=False),
        folder("pip cache", writable=False),
        folder(no_exec=True),
    ],
)
def test_a_folder_that_serves_or_that_nobody_uses(sound, run, snapshot, machine):
    assert run("disk-or-cache-not-writable", snapshot(machine=machine(folders=(sound,)))) == []


def test_a_certificate_that_is_not_there(run, snapshot, machine):
    def named(exists: bool) -> Any:
        file = NamedFile(variable="SSL_CERT_FILE", path="/gone.pem", exists=exists)
        return snapshot(machine=machine(named_files=(file,)))

    (found,) = run("ssl-or-proxy", named(False))
    assert found.remedies[0].command == "unset SSL_CERT_FILE"
    assert "/gone.pem" in found.evidence[0].fact
    assert run("ssl-or-proxy", named(True)) == []


@pytest.mark.parametrize(
    "value", ["htps://proxy:3128", "http://ada:secret@pro xy:1", "http://", "http://h:port"]
)
def test_a_malformed_proxy_is_told_without_its_text(value, run, snapshot, environment):
    (found,) = run(
        "ssl-or-proxy", snapshot(environment=environment(variables={"http_proxy": value}))
    )
    assert found.subject == "http_proxy"
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    "value",
    [
        "http://proxy:3128",
        "proxy.example.org:3128",
        "http://ada:secret@proxy:3128/",
        "socks5h://[::1]:1080",
        "",
    ],
)
def test_a_proxy_as_tools_take_it(value, run, snapshot, environment):
    given = snapshot(environment=environment(variables={"https_proxy": value}))
    assert run("ssl-or-proxy", given) == []
