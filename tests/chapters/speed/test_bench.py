"""The bench has its structure at any size; no figure is asserted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catapult import paths, timing
from catapult.chapters.speed import bench
from catapult.parameters import InputError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "BUILD", tmp_path_factory.mktemp("build"))
        assert bench.main(["--quick"]) == 0
        return json.loads((paths.BUILD / "bench.json").read_text(encoding="utf-8"))


def test_every_group_has_its_rows(report):
    rows = bench.rows(report)
    groups = [row.group for row in rows]
    assert {"training", "headline", "peaks", "curvature", "phase maps", "sweeps", "store"} == set(groups)
    assert any("n = 16" in row.what and "linear engine" in row.what for row in rows)
    for row in rows:
        assert 0 < row.low <= row.value <= row.high or row.unit == "share" or "recorded" in row.what, row


def test_the_targets_are_those_that_were_set():
    targets = {row.what: row.target for row in bench.rows(bench.recorded()) if row.target}
    assert targets["linear engine, 784-500-500-1, n = 512"] == ">= 30"
    assert targets["linear engine, 784-500-500-1, n = 2048"] == ">= 100"
    assert targets["dense engine, 784-64-1, n = 128"] == ">= 3"
    assert targets["two-layer map, squared loss"] == ">= 100"
    assert targets["sharpness, cold"] == "<= 18"
    warm = {target for what, target in targets.items() if what.startswith("sharpness, ") and what != "sharpness, cold"}
    assert warm == {"<= 8"}


def test_the_logistic_map_of_the_linear_predictor_has_its_target(report):
    targets = {(row.what, row.against): row.target for row in bench.rows(report)}
    assert targets["linear predictor's map, logistic loss", "Python loop, to convergence"] == ">= 100"


def test_the_report_says_where_it_comes_from(report):
    for made in (report, bench.recorded()):
        machine = made["machine"]
        assert machine["threads"] == 1
        assert machine["blas"]["numpy"]
        assert machine["gemm_gflops"]["torch"] > 0
        assert {"torch", "numpy", "numba"} <= set(made["versions"])
        assert len(made["date"]) == 25


@pytest.mark.parametrize(("target", "met", "said"), [(">= 30", False, "BELOW TARGET"), ("<= 4", False, "ABOVE TARGET"),
                                                     (">= 2", True, "met"), ("", None, "")])
def test_a_missed_target_is_printed_as_such(target, met, said):
    row = bench.Row("training", "linear engine", "plain loop", 5.0, 4.0, 6.0, "times", target, "run-step", 1e-3)
    assert row.met is met
    assert said in bench.line(row)
    assert ("**missed**" in bench.table({"rows": [vars(row)]}).data) is (met is False)


def test_nothing_is_recorded_unless_asked(report):
    assert bench.RECORD.parent == paths.RECORDED
    assert [row["what"] for row in report["rows"]] != [row["what"] for row in bench.recorded()["rows"]]


def test_alternatives_take_turns():
    order = []
    seconds = timing.alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3)
    assert order == ["a", "b"] * 4  # the first turn is not timed
    assert {name: values.shape for name, values in seconds.items()} == {"a": (3,), "b": (3,)}
    ticks = iter(range(100))
    assert timing.alternate({"a": lambda: None}, 2, clock=lambda: next(ticks))["a"].tolist() == [1, 1]


def test_slopes_are_those_of_power_laws():
    sizes = np.array([8, 16, 32, 64, 128])
    assert timing.slope(sizes, 3e-6 * sizes**1.7) == pytest.approx(1.7, rel=1e-12)
    assert timing.slope(sizes, 1e-3 + 0.0 * sizes) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("data", [None, b"", b"\xff", b"[" * 100_000, b"[]", b"{}", b'{"rows": [1]}'])
def test_a_damaged_record_is_one_line(monkeypatch, tmp_path, data):
    monkeypatch.setattr(bench, "RECORD", tmp_path / "bench.json")
    if data is not None:
        bench.RECORD.write_bytes(data)
    with pytest.raises(InputError, match=r"bench\.json is missing or damaged: `make bench RECORD=1`"):
        bench.recorded()
