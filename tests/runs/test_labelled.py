"""The labelled data set of a sweep has every run of the table, at the values of the grid, whatever these are."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import xarray as xr
from pydantic import Field

from catapult import parameters
from catapult.runs import chunks, grids, sweeps


class Parameters(parameters.Parameters):
    """One parameter of each type."""

    rate: float = Field(1.0, description="a number")
    blocks: int | None = Field(None, description="a whole number, or none")
    centred: bool = Field(False, description="true or false")
    name: str = Field("x", description="text")


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """A function that sweeps ``run`` over axes and returns what it left, as labelled data set and as text."""
    def sweep(run, *axes):
        experiment = types.ModuleType("typed_experiment")
        experiment.Parameters, experiment.run = Parameters, run
        monkeypatch.setitem(sys.modules, experiment.__name__, experiment)
        sweeps.run(grids.grid(experiment, axes), tmp_path, jobs=1, progress=False)
        with xr.open_dataset(tmp_path / "results.nc", engine="h5netcdf") as kept:
            return kept.load(), (tmp_path / "table.csv").read_text()

    return sweep


def number(values):
    """Return results that tell all runs of a grid apart."""
    return xr.Dataset({"number": 10 * values.rate + (values.blocks or 0) + 100 * values.centred + len(values.name)})


def test_none_is_a_value_of_an_axis_and_its_runs_are_there(swept):
    kept, _ = swept(number, "blocks=none,1,2", "rate=2,1")
    assert dict(kept.sizes) == {"blocks": 3, "rate": 2}
    np.testing.assert_array_equal(kept.blocks, [np.nan, 1, 2])
    np.testing.assert_array_equal(kept.number, [[11, 21], [12, 22], [13, 23]])


def test_axes_keep_the_types_of_their_parameters(swept):
    kept, _ = swept(number, "name=01,1.0", "centred=true,false")
    assert kept.number.sel(name="01", centred=True) == 112
    assert kept.number.sel(name="1.0", centred=False) == 13
    assert (kept.centred.dtype, kept.name.values.tolist()) == (bool, ["01", "1.0"])


def test_floats_that_differ_in_the_last_digit_are_two_values_and_repeated_ones_one(swept):
    kept, _ = swept(number, "rate=0.1,0.10000000000000002,0.1000000000000000055,0.1", "blocks=3")
    assert kept.rate.values.tolist() == [0.1, 0.10000000000000002]
    assert kept.number.sel(rate=0.10000000000000002, blocks=3).item() == 10 * 0.10000000000000002 + 4


def test_a_result_may_have_any_name_where_nothing_is_varied(swept):
    kept, _ = swept(lambda values: xr.Dataset({"index": 7.0}))
    assert kept["index"].item() == 7.0


@pytest.mark.parametrize("text", ["a name \udcfc that is no text", "a \0", "two\r\nlines"])
def test_an_error_of_any_text_is_a_row(swept, text):
    def run(values):
        if values.rate == 1:
            raise RuntimeError(text)
        return number(values)

    kept, table = swept(run, "rate=1,2")
    assert kept.error.sel(rate=1.0).item().startswith("RuntimeError: ")
    assert kept.error.sel(rate=1.0).item() in table
    assert kept.number.sel(rate=2.0) == 21


@pytest.mark.parametrize("clashing", [{"x": ("k", [1.0, 2.0]), "x_0": 7.0}, {"x": ("step", [1.0]), "x_end": 7.0}])
def test_results_that_would_be_one_column_are_refused(clashing):
    with pytest.raises(ValueError, match="two results are called x_"):
        chunks._row(Parameters(), xr.Dataset(clashing))


@pytest.mark.parametrize(("length", "columns"), [(1, 1), (10, 10), (11, 0)])
def test_vectors_of_up_to_ten_are_columns(length, columns):
    assert len(chunks._row(Parameters(), xr.Dataset({"x": ("k", np.zeros(length))}))["results"]) == columns
