from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import Platform

XID = "NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen off the bus."


@pytest.fixture
def judge(run, gpu, nvidia, machine, snapshot):
    def judged(check: str, **fields: Any) -> list[tuple[str, str]]:
        given = snapshot(machine=machine(nvidia=nvidia(gpus=(gpu(**fields),))))
        return [
            (found.status, " ".join(each.fact for each in found.evidence))
            for found in run(check, given)
        ]

    return judged


@pytest.mark.parametrize(
    ("check", "fields", "status", "fact"),
    [
        ("gpu-thermal-throttle", {"event_bits": 0x20, "temperature_celsius": 91.0}, "warn", "91"),
        ("gpu-thermal-throttle", {"event_bits": 0x44}, "warn", "0x44"),
        (
            "gpu-power-capped",
            {"power_limit_watts": 250.0, "default_power_limit_watts": 450.0},
            "info",
            "250 W",
        ),
        ("gpu-hw-slowdown", {"event_bits": 0x80}, "warn", "0x80"),
        ("gpu-hw-slowdown", {"event_bits": 0x8}, "info", "0x8"),
        ("gpu-ecc-uncorrectable", {"ecc_volatile_uncorrected": 2}, "fail", "2 uncorrectable"),
        ("gpu-ecc-uncorrectable", {"remapped_failed": True}, "fail", "failed"),
        ("gpu-ecc-uncorrectable", {"remapped_pending": True}, "warn", "next reset"),
        ("gpu-ecc-uncorrectable", {"ecc_aggregate_uncorrected": 5}, "info", "5 uncorrectable"),
        ("pcie-link-degraded", {"link_width": 4, "max_link_width": 16}, "warn", "4"),
        ("pcie-link-degraded", {"link_width": 8, "max_link_width": 16}, "info", "8"),
    ],
)
def test_a_sick_gpu(check, fields, status, fact, judge):
    ((found, facts),) = judge(check, **fields)
    assert found == status
    assert fact in facts


@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("gpu-thermal-throttle", {"event_bits": 0x5}),
        ("gpu-thermal-throttle", {"event_bits": None}),
        ("gpu-power-capped", {"power_limit_watts": 440.0, "default_power_limit_watts": 450.0}),
        ("gpu-power-capped", {"event_bits": 0x4}),
        ("gpu-hw-slowdown", {"event_bits": 0x48}),
        ("gpu-hw-slowdown", {"event_bits": 0x11}),
        ("gpu-ecc-uncorrectable", {"ecc_volatile_uncorrected": 0, "remapped_pending": False}),
        ("pcie-link-degraded", {"link_width": 16, "max_link_width": 16}),
        ("pcie-link-degraded", {"link_width": None, "max_link_width": 16}),
    ],
)
def test_a_sound_gpu(check, fields, judge):
    assert judge(check, **fields) == []


@pytest.fixture
def logged(snapshot, machine, nvidia):
    def build(messages: tuple[str, ...] | None) -> Any:
        platform = Platform(system="Linux", kernel_messages=messages)
        return snapshot(machine=machine(nvidia=nvidia(), platform=platform))

    return build


def test_an_xid_that_ends_jobs_is_told_once(run, logged):
    (found,) = run("gpu-xid-in-log", logged((XID, XID)))
    assert (found.status, found.subject) == ("fail", "0000:3b:00, Xid 79")


def test_an_xid_of_a_faulty_program_is_none_of_the_machine(run, logged):
    assert run("gpu-xid-in-log", logged((XID.replace(": 79", ": 31"),))) == []
    assert run("gpu-xid-in-log", logged(())) == []


def test_a_log_that_may_not_be_read_is_said(run, logged, snapshot):
    (found,) = run("gpu-xid-in-log", logged(None))
    assert found.status == "error"
    assert run("gpu-xid-in-log", snapshot()) == []
