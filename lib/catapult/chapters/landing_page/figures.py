"""The picture on the landing page, from the results of :mod:`catapult.chapters.landing_page.experiment`."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from catapult import style


def phenomenon(results: xr.Dataset) -> Figure:
    """Left: the loss against the step in three phases. Right: the kernel at the end against the learning rate."""
    with style.use():
        figure, (left, right) = style.subplots(1, 2, width=10, height=3.9)
        for label, place in (("divergent", 0.0), ("catapult", 0.5), ("lazy", 0.5)):
            rates = results.learning_rate[(results.phase == label).values].values
            if not len(rates):
                continue
            rate = rates[round(place * (len(rates) - 1))]
            loss = results.loss.sel(learning_rate=rate)
            if label == "divergent":  # up to its largest value: what is recorded after it is where training was stopped
                loss = loss.isel(step=slice(int(loss.argmax("step")) + 1))
            left.plot(loss.step + 1, loss, color=style.PALETTE[label], label=f"{label}, η = {rate:.3g}")
        left.axhline(np.log(2), color=style.PALETTE["theory"], linestyle=":", linewidth=1.2)
        start = results.loss.isel(learning_rate=0, step=0).item()
        left.set(xscale="log", yscale="log", ylim=(0.5, 60 * start), xlabel="step + 1", ylabel="training loss",
                 title="The loss rises before it falls")
        left.annotate("log 2, the minimum", (1, np.log(2)), xytext=(0, -12), textcoords="offset points",
                      fontsize="small", color=style.PALETTE["ink"])
        left.legend(loc="upper right")
        _kernels(right, results)
        style.label_panels(figure)
    return figure


def _kernels(axes, results: xr.Dataset) -> None:
    rates = results.learning_rate.values
    start = results.first_ntk.isel(learning_rate=0).item()
    axes.plot(rates, np.minimum(start, 8 / rates), color=style.PALETTE["theory"], linestyle="--", linewidth=1.2,
              label="min(λ₀, 8/η)")
    for label in ("lazy", "catapult"):
        chosen = (results.phase == label).values
        axes.plot(rates[chosen], results.last_ntk.values[chosen], linestyle="", marker="o", markersize=5,
                  color=style.PALETTE[label], label=label)
    divergent = rates[(results.phase == "divergent").values]
    if len(divergent):
        axes.axvspan(divergent[0], rates[-1], color=style.PALETTE["divergent"], alpha=0.15, linewidth=0,
                     label="divergent")
    axes.set(xscale="log", yscale="log", xlabel="learning rate η", ylabel="kernel eigenvalue λ at the end",
             title="The minimum reached is flatter")
    axes.legend(loc="lower left")
