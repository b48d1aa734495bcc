"""Batches of other sizes are the other experiment's networks; what is recorded along the way is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.square_loss_batches import experiment
from catapult.chapters.square_loss_normalisation import experiment as minibatches

STEPS = minibatches.EARLY + 1
VALUES = experiment.Parameters(seeds=1, steps=STEPS)


@pytest.mark.slow
def test_minibatches_of_its_size_are_those_of_the_other_experiment():
    ours = experiment.trained(VALUES, "batch", 3, minibatches.BATCH, minibatches.DECAYS, minibatches.SCALES)
    theirs = minibatches.trained(minibatches.Parameters(), "batch", 3, steps=STEPS)
    for name in experiment.KEPT:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_what_is_seen_after_a_quarter_is_where_a_quarter_of_the_steps_ends():
    long = experiment.trained(VALUES, "batch", 0, None, (5e-3,), (1.0,), steps=16)
    short = experiment.trained(VALUES, "batch", 0, None, (5e-3,), (1.0,), steps=4)
    assert float(long.excess_at[0].squeeze()) == pytest.approx(float(short.excess.squeeze()))
    assert float(long.excess_at[-1].squeeze()) == pytest.approx(float(long.excess.squeeze()))


@pytest.mark.slow
def test_the_edge_is_the_other_experiments_and_a_run_that_is_lost_is_nan_from_then_on(monkeypatch):
    monkeypatch.setattr(experiment, "RATES", (*minibatches.EDGE_RATES, 50.0))
    monkeypatch.setattr(experiment, "EDGE_TIMES", minibatches.TIMES)
    found = experiment.edge(VALUES.model_copy(update={"edge_steps": minibatches.TIMES}), 0)
    theirs = minibatches.edge(minibatches.Parameters(edge_steps=minibatches.TIMES), 0)
    same = theirs.edge.sel(network="batch", edge_decay=minibatches.EDGE_DECAYS[-1])
    np.testing.assert_allclose(found.beyond[:-1], same, rtol=1e-4)
    assert found.lost.values.tolist() == [False, False, False, True]
    assert np.isnan(found.beyond[-1, -1])


@pytest.mark.slow
def test_cells_join_to_one_table_without_a_hole():
    values = VALUES.model_copy(update={"parts": "full", "steps": experiment.EARLY + 2})
    whole = experiment.run(values)
    assert dict(whole.sizes) == {"normalisation": 2, "seed": 1, "decay": 2, "scale": 4, "time": 4}
    assert not any(bool(whole[name].isnull().any()) for name in whole.data_vars)
