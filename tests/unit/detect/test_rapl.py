from __future__ import annotations

import pytest

from envdoctor.detect.rapl import HIDDEN, ROOT_ONLY, Package, find_packages, spent_joules

# As recorded on a laptop: two views of the package, its parts, and the whole board.
LAPTOP = {
    "intel-rapl:0": ("package-0", 1_000_000, 262_143_328_850),
    "intel-rapl:0:0": ("core", 600_000, 262_143_328_850),
    "intel-rapl:0:1": ("uncore", 10_000, 262_143_328_850),
    "intel-rapl:1": ("psys", 3_000_000, 262_143_328_850),
    "intel-rapl-mmio:0": ("package-0", 1_000_000, 262_143_328_850),
}
# Two sockets of EPYC.
SERVER = {
    "intel-rapl:0": ("package-0", 7, 65_532_610_987),
    "intel-rapl:0:0": ("core", 5, 65_532_610_987),
    "intel-rapl:1": ("package-1", 9, 65_532_610_987),
}


@pytest.fixture
def powercap(tmp_path):
    def build(zones):
        for zone, (name, count, span) in zones.items():
            folder = tmp_path / "powercap" / zone
            folder.mkdir(parents=True)
            (folder / "name").write_text(f"{name}\n")
            (folder / "energy_uj").write_text(f"{count}\n")
            (folder / "max_energy_range_uj").write_text(f"{span}\n")
        return tmp_path / "powercap"

    return build


@pytest.fixture
def cpuinfo(tmp_path):
    def write(flags):
        path = tmp_path / "cpuinfo"
        path.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
        return path

    return write


@pytest.mark.parametrize(("zones", "counts"), [(LAPTOP, [1_000_000]), (SERVER, [7, 9])])
def test_packages_count_and_neither_their_parts_nor_the_board(zones, counts, powercap):
    packages, reason = find_packages(powercap(zones))
    assert reason == ""
    assert [package.read_microjoules() for package in packages] == counts


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ("fpu vme hypervisor lahf_lm", "no powercap in this VM"),
        ("fpu vme lahf_lm", "no powercap on this machine"),
        ("fpu not-a-hypervisor", "no powercap on this machine"),
    ],
)
def test_without_powercap_only_a_vm_is_called_one(flags, reason, tmp_path, cpuinfo):
    assert find_packages(tmp_path / "none", cpuinfo(flags)) == ((), reason)


def test_without_cpuinfo_nothing_is_called_a_vm(tmp_path):
    assert find_packages(tmp_path, tmp_path / "none") == ((), "no powercap on this machine")


def test_links_that_lead_nowhere_are_told_from_no_powercap(tmp_path):
    (tmp_path / "intel-rapl:0").symlink_to(tmp_path / "hidden")
    assert find_packages(tmp_path) == ((), HIDDEN)


def test_a_counter_of_root_is_told_so(powercap, monkeypatch):
    root = powercap(SERVER)
    closed = root / "intel-rapl:1" / "energy_uj"
    # The tests may run as root, whom no file mode keeps out.
    opened = type(closed).open

    def refuse(path, *arguments, **options):
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(type(closed), "open", refuse)
    assert find_packages(root) == ((), ROOT_ONLY)


@pytest.mark.parametrize(
    ("file", "content"),
    [("energy_uj", ""), ("energy_uj", "-5"), ("max_energy_range_uj", "0")],
)
def test_a_strange_counter_is_named(file, content, powercap):
    root = powercap(SERVER)
    (root / "intel-rapl:0" / file).write_text(content)
    packages, reason = find_packages(root)
    assert packages == ()
    assert reason.endswith(f"intel-rapl:0/{file}")


def test_a_counter_that_vanishes_reads_none(powercap):
    root = powercap(LAPTOP)
    packages, _ = find_packages(root)
    (root / "intel-rapl:0" / "energy_uj").unlink()
    assert packages[0].read_microjoules() is None


@pytest.mark.parametrize(
    ("before", "after", "joules"),
    [
        ([0], [2_000_000], 2.0),
        ([5_000_000], [5_000_000], 0.0),
        # Started again in between: 1 joule to the end, 3 from the beginning.
        ([64_000_000], [3_000_000], 4.0),
        ([64_000_000, 10_000_000], [3_000_000, 20_000_000], 14.0),
    ],
)
def test_energy_is_added_up_over_packages_and_over_a_restart(before, after, joules, tmp_path):
    packages = [Package(tmp_path, 65_000_000)] * len(before)
    assert spent_joules(packages, before, after) == pytest.approx(joules)
