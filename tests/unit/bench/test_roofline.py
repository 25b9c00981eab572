from __future__ import annotations

import json
from math import inf, nan

import pytest

from envdoctor.bench.roofline import merge_ceiling, parse_products


def test_the_fastest_product_of_any_backend_is_the_ceiling():
    ceiling = merge_ceiling(
        [
            ("numpy", {1024: 60e9, 2048: 90e9}),
            ("torch", {1024: 70e9, 2048: 108e9, 4096: 107e9}),
            ("jax", {}),
        ],
        [None, 9e9, 11e9],
    )
    assert (ceiling.backend, ceiling.size) == ("torch", 2048)
    assert ceiling.flops_per_second == 108e9
    assert ceiling.copy_bytes_per_second == 11e9


def test_a_backend_that_was_asked_twice_counts_with_its_better_answer():
    ceiling = merge_ceiling([("numpy", {1024: 60e9}), ("numpy", {1024: 80e9})])
    assert ceiling.flops_per_second == 80e9
    assert ceiling.copy_bytes_per_second is None


@pytest.mark.parametrize("products", [[], [("jax", {})]])
def test_without_a_product_there_is_no_ceiling(products):
    assert merge_ceiling(products, [9e9]) is None


def test_an_answer_survives_json():
    answer = json.loads(json.dumps({1024: 60e9, 2048: 90e9}))
    assert parse_products(answer) == {1024: 60e9, 2048: 90e9}


@pytest.mark.parametrize("rate", [0, -1.0, nan, inf, "fast", None, [1]])
def test_what_is_no_rate_is_left_out(rate):
    assert parse_products({"1024": 60e9, "2048": rate}) == {1024: 60e9}


@pytest.mark.parametrize("size", ["0", "-1", "1.5", "many", None, "²"])
def test_what_is_no_size_is_left_out(size):
    assert parse_products({"1024": 60e9, size: 90e9}) == {1024: 60e9}


@pytest.mark.parametrize("copy", [0, -1.0, nan, inf])
def test_a_strange_bandwidth_is_left_out(copy):
    assert merge_ceiling([("numpy", {1024: 1.0})], [copy, 9e9]).copy_bytes_per_second == 9e9
