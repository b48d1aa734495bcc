"""The phenomenon in one picture: a two-layer linear network, the logistic loss, data that nothing separates."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from catapult import parameters
from catapult.datasets import degenerate_pair
from catapult.networks import Network


class Parameters(parameters.Parameters):
    """One network on the degenerate pair, at many learning rates."""

    width: int = Field(100, ge=2, le=10_000, description="hidden units m")
    seed: parameters.Seed = Field(2, description="seed of the initial weights")
    steps: int = Field(4000, ge=10, le=1_000_000, description="steps of gradient descent")
    rates: int = Field(35, ge=5, le=1000, description="learning rates, evenly spaced on a logarithmic axis")
    lowest: float = Field(1.0, gt=0, description="smallest learning rate η")
    highest: float = Field(80.0, gt=0, description="largest learning rate η")

    @model_validator(mode="after")
    def _rates_have_a_range(self):
        if not self.lowest < self.highest:
            raise ValueError(f"lowest = {self.lowest:g}, highest = {self.highest:g}: the first must be the smaller")
        return self


def run(values: Parameters) -> xr.Dataset:
    """Return, for every learning rate, the loss at each step and the largest kernel eigenvalue at both ends.

    Variables: ``loss`` (learning_rate, step), ``first_ntk`` and ``last_ntk`` (learning_rate; NaN after a
    blow-up), ``phase`` (learning_rate).
    """
    from catapult.training import train

    learning_rates = np.geomspace(values.lowest, values.highest, values.rates)
    trained = train(degenerate_pair(), Network((1, values.width, 1)), learning_rates, seeds=(values.seed,),
                    steps=values.steps, record=("loss", "ntk"), every={"loss": 1, "ntk": values.steps}).isel(seed=0)
    first, last = (trained.ntk.isel(step=step, drop=True) for step in (0, -1))
    return xr.Dataset({"loss": trained.loss, "first_ntk": first, "last_ntk": last, "phase": trained.phase})
