"""The files by which engines are found; what runs in their processes is tried in tests/unit/inference."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
from pathlib import Path

import pytest

from synpref.engines.processes import Process
from synpref.engines.tenancy import SERVER, Tenant, _in_the_way, end_idle_engines, locked, private_folder, seated
from synpref.errors import InputError
from synpref.inference import engine_server

OWNER, OTHER = Process(1, 10), Process(2, 20)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_file_that_is_removed_between_opening_and_locking_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole = tmp_path / "lock", fcntl.flock
    calls: list[int] = []

    def removed(file: int, how: int) -> None:
        if not calls:
            path.unlink()
        calls.append(file)
        whole(file, how)

    monkeypatch.setattr(fcntl, "flock", removed)
    held = locked(path)
    assert held is not None
    assert len(calls) == 2
    assert os.path.samestat(os.fstat(held), path.stat())
    assert locked(path) is None
    os.close(held)


def test_the_folder_is_its_users_alone(tmp_path: Path) -> None:
    folder = private_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(InputError, match="must be a folder that its user alone can open: remove it, or set TMPDIR"):
        private_folder()
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(InputError, match="must be a folder"):
        private_folder()


def test_a_tenant_has_a_second_seat_where_the_first_is_taken() -> None:
    tenant = Tenant(OWNER, "GPU-1/2", "hash")
    with seated(tenant) as first:
        pass
    with seated(tenant) as second:
        pass
    assert first.path != second.path
    assert first.socket != second.socket
    os.close(first.lock)
    with seated(tenant) as third:
        pass
    assert third.path == first.path
    os.close(second.lock)
    os.close(third.lock)


def test_files_of_engines_that_run_no_more_go_with_the_next_look() -> None:
    with seated(Tenant(OWNER, None, "hash")) as seat:
        os.close(seat.lock)
    seat.socket.touch()
    with seated(Tenant(OTHER, "4", "hash")) as other:
        os.close(other.lock)
    assert sorted(path.name for path in private_folder().iterdir()) == sorted(["guard", other.path.name])


def test_one_at_a_time_looks_for_a_seat() -> None:
    looking = threading.Thread(target=end_idle_engines)
    with seated(Tenant(OWNER, "4", "hash")) as seat:
        looking.start()
        looking.join(0.3)
        assert looking.is_alive()
    looking.join(30)
    assert not looking.is_alive()
    os.close(seat.lock)


def test_a_seat_is_given_up_where_it_finds_no_engine() -> None:
    def fails() -> None:
        with seated(Tenant(OWNER, "4", "hash")):
            raise OSError("no more processes")

    with pytest.raises(OSError, match="no more processes"):
        fails()
    with seated(Tenant(OWNER, "4", "hash")) as seat:
        assert seat.path.name.endswith(".0.lock")
    os.close(seat.lock)


@pytest.mark.parametrize(
    ("other", "mine", "expected"),
    [
        (Tenant(OWNER, "4", "a"), Tenant(OWNER, "4", "a"), False),
        (Tenant(OWNER, "4", "b"), Tenant(OWNER, "4", "a"), True),
        (Tenant(OTHER, "4", "a"), Tenant(OWNER, "4", "a"), True),
        (Tenant(OTHER, "5", "a"), Tenant(OWNER, "4", "a"), False),
        (Tenant(OTHER, "3,4", "a"), Tenant(OWNER, "4", "a"), True),
        (Tenant(OWNER, None, "b"), Tenant(OWNER, "4", "a"), False),
        (Tenant(OWNER, "4", "b"), Tenant(OWNER, None, "a"), False),
        (Tenant(OWNER, None, "b"), Tenant(OWNER, None, "a"), True),
        (Tenant(OTHER, None, "b"), Tenant(OWNER, None, "a"), False),
    ],
)
def test_an_engine_is_in_the_way_where_it_holds_what_is_needed(other: Tenant, mine: Tenant, expected: bool) -> None:
    assert _in_the_way(f"{other.name}.0.lock", mine.name) is expected


def test_the_module_that_is_looked_for_is_the_one_that_serves() -> None:
    assert engine_server.__name__ == SERVER
