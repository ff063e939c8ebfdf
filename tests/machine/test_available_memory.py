from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from scan_core.machine.available_memory import free_bytes

V2 = {"limit": "memory.max", "used": "memory.current"}
V1 = {"limit": "memory.limit_in_bytes", "used": "memory.usage_in_bytes"}


@pytest.fixture(autouse=True)
def _system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has 5 KiB left."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5 * 1024))


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def group(folder: str, names: dict[str, str], *, limit: str, used: int, stat: str = "anon 1\n") -> dict[str, str]:
    files = {names["limit"]: limit, names["used"]: str(used), "memory.stat": stat}
    return {f"sys/fs/cgroup/{folder}/{name}": text + "\n" for name, text in files.items()}


def test_what_the_system_has_left(tmp_path: Path):
    assert free_bytes(tmp_path) == 5 * 1024


def test_a_container_s_limit_less_what_is_used(tmp_path: Path):
    write(tmp_path, {"proc/self/cgroup": "0::/\n"})
    write(tmp_path, group(".", V2, limit="4096", used=3000))
    assert free_bytes(tmp_path) == 1096
    # 800 of the 3000 bytes are copies of files, which can be dropped.
    stat = "anon 2200\nactive_file 300\ninactive_file 500\n"
    write(tmp_path, group(".", V2, limit="4096", used=3000, stat=stat))
    assert free_bytes(tmp_path) == 1896
    write(tmp_path, group(".", V2, limit="4096", used=5000))
    assert free_bytes(tmp_path) == 0
    write(tmp_path, group(".", V2, limit="max", used=3000))
    assert free_bytes(tmp_path) == 5 * 1024


def test_the_limits_of_the_groups_around_hold_too(tmp_path: Path):
    write(tmp_path, {"proc/self/cgroup": "0::/outer/inner\n"})
    write(tmp_path, group("outer/inner", V2, limit="max", used=10))
    write(tmp_path, group("outer", V2, limit="1000", used=400))
    assert free_bytes(tmp_path) == 600


@pytest.mark.parametrize("name", ["/", "/docker/of-the-host"])  # the second is not to be seen from within
def test_version_1(tmp_path: Path, name: str):
    write(tmp_path, {"proc/self/cgroup": f"5:cpu:/other\n4:cpuacct,memory:{name}\n"})
    stat = "inactive_file 7\ntotal_active_file 100\ntotal_inactive_file 200\n"
    write(tmp_path, group("memory", V1, limit="4096", used=3000, stat=stat))
    assert free_bytes(tmp_path) == 4096 - 3000 + 300
