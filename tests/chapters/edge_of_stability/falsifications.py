"""Falsifications of the rows of the chapter on the edge of stability: tables are altered, or the flow is."""

from __future__ import annotations

import numpy as np

from catapult.chapters.edge_of_stability import checks, experiment, flows
from falsifying import falsifies, kept, replaced

IMAGES = ("cohen-edge-images", "cohen-loss-images")


def altered(monkeypatch, change):
    """Let the checks read a recorded table that ``change`` has altered."""
    replaced(monkeypatch, checks, "table", lambda right: change(right()))


def live(monkeypatch, change):
    """Let the checks read runs that ``change`` has altered."""
    monkeypatch.setattr(checks, "runs_of", lambda values: change(kept(experiment)))


@falsifies(*IMAGES)
def a_slice_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(checks, "slice_difference", lambda: 5e-3)


@falsifies("andreyev-batch-sharpness", "ours-edge-eigenvalues", "ours-edge-minibatches")
def a_part_that_disagrees(monkeypatch):
    """What is computed again of a part differs from what was recorded by half a per cent."""
    monkeypatch.setattr(checks, "part_slice_difference", lambda name, **values: 5e-3)


@falsifies("cohen-edge-images")
def an_eighth_sharper(monkeypatch):
    """Everything is an eighth sharper: the tanh network would hover a third above 2/η and more."""
    altered(monkeypatch, lambda runs: runs.assign(sharpness=1.125 * runs.sharpness))


@falsifies("cohen-edge-images")
def gradient_flow_stays_too(monkeypatch):
    """The control shows the effect: gradient flow ends a third lower."""
    altered(monkeypatch, lambda runs: runs.assign(flow_sharpness=runs.flow_sharpness * 2 / 3))


@falsifies("cohen-loss-images")
def the_loss_turns_back(monkeypatch):
    """Time runs backwards: the loss rises over long times."""
    altered(monkeypatch, lambda runs: runs.assign(loss=(runs.loss.dims, runs.loss.values[
        tuple(slice(None, None, -1) if name == "step" else slice(None) for name in runs.loss.dims)])))


@falsifies("cohen-loss-images")
def no_rises(monkeypatch):
    """The loss is its own lower envelope: it never rises."""
    altered(monkeypatch, lambda runs: runs.assign(loss=(runs.loss.dims, np.minimum.accumulate(
        runs.loss.values, runs.loss.dims.index("step")))))


def part_altered(monkeypatch, name, change, **values):
    """Let the checks read a recorded part that ``change`` has altered."""
    replaced(monkeypatch, checks, "part", lambda right, asked, **given: change(right(asked, **given))
             if (asked, given) == (name, values) else right(asked, **given))


@falsifies("cohen-edge-more")
def a_tenth_sharper(monkeypatch):
    """With more steps everything is a tenth sharper: the largest rate hovers a third above."""
    part_altered(monkeypatch, "descent", lambda runs: runs.assign(sharpness=1.1 * runs.sharpness), steps=2142)


@falsifies("cohen-edge-more")
def the_middle_rate_never_crosses(monkeypatch):
    """With more steps one seed's middle rate stops below the edge."""
    part_altered(monkeypatch, "descent", lambda runs: runs.assign(sharpness=runs.sharpness.where(
        (runs.place != 1) | (runs.seed != 0), np.minimum(runs.sharpness, 160))), steps=2142)


@falsifies("cohen-edge-more")
def as_many_images(monkeypatch):
    """The runs with more images are those with 1,000."""
    part_altered(monkeypatch, "descent", lambda runs: checks.table(), samples=5000)


@falsifies("cohen-edge-more")
def no_nearer_with_more_images(monkeypatch):
    """With 5,000 images the largest rate hovers a sixth higher: as high as with 1,000."""
    part_altered(monkeypatch, "descent", lambda runs: runs.assign(sharpness=runs.sharpness.where(
        runs.place != 2, 7 / 6 * runs.sharpness)), samples=5000)


@falsifies("ours-edge-eigenvalues")
def the_first_farther_off(monkeypatch):
    """The largest eigenvalue is two per cent larger: the four are not within a tenth."""
    part_altered(monkeypatch, "eigenvalues", lambda runs: runs.assign(eigenvalues=runs.eigenvalues.where(
        runs.eigenvalue > 1, 1.02 * runs.eigenvalues)))


@falsifies("ours-edge-minibatches")
def one_look_above(monkeypatch):
    """At one look of one seed batches of 32 are above 2/η."""
    part_altered(monkeypatch, "minibatches", lambda runs: runs.assign(whole_sharpness=runs.whole_sharpness.where(
        (runs.batch != 32) | (runs.seed != 1) | (runs.look != 102), 51)))


@falsifies("ours-edge-eigenvalues")
def three_at_the_edge(monkeypatch):
    """The fourth eigenvalue is a tenth smaller."""
    part_altered(monkeypatch, "eigenvalues", lambda runs: runs.assign(eigenvalues=runs.eigenvalues.where(
        runs.eigenvalue < 4, 0.9 * runs.eigenvalues)))


@falsifies("ours-edge-eigenvalues")
def as_many_with_the_cross_entropy(monkeypatch):
    """With the cross-entropy two end near the edge, too."""
    part_altered(monkeypatch, "eigenvalues", lambda runs: runs.assign(eigenvalues=1.05 * runs.eigenvalues))


@falsifies("ours-edge-minibatches")
def the_smallest_a_sixth_sharper(monkeypatch):
    """Batches of 32 end a sixth sharper: one run in three above nine tenths of 2/η."""
    part_altered(monkeypatch, "minibatches", lambda runs: runs.assign(whole_sharpness=runs.whole_sharpness.where(
        runs.batch != 32, 7 / 6 * runs.whole_sharpness)))


@falsifies("ours-edge-minibatches")
def half_of_the_images_matter(monkeypatch):
    """The control shows it, too: batches of 512 end an eighth flatter."""
    part_altered(monkeypatch, "minibatches", lambda runs: runs.assign(whole_sharpness=runs.whole_sharpness.where(
        runs.batch != 512, 7 / 8 * runs.whole_sharpness)))


@falsifies("andreyev-batch-sharpness")
def runs_of_2142_steps(monkeypatch):
    """The hypothesis is dropped: the runs are a quarter as long."""
    part_altered(monkeypatch, "minibatches", lambda runs: checks.part("minibatches", steps=2142), steps=8007)


@falsifies("andreyev-batch-sharpness")
def a_twentieth_sharper(monkeypatch):
    """The batch sharpness is a twentieth larger."""
    part_altered(monkeypatch, "minibatches", lambda runs: runs.assign(batch_sharpness=1.05 * runs.batch_sharpness),
                 steps=8007)


@falsifies("andreyev-batch-sharpness")
def one_seed_above(monkeypatch):
    """The sharpness of one seed, with batches of 32, is two per cent larger."""
    part_altered(monkeypatch, "minibatches", lambda runs: runs.assign(whole_sharpness=runs.whole_sharpness.where(
        (runs.batch != 32) | (runs.seed != 2), 1.02 * runs.whole_sharpness)), steps=8007)


@falsifies("andreyev-batch-sharpness")
def generally_smaller(monkeypatch):
    """The sharpness is a twentieth smaller at every size: below the batch sharpness."""
    part_altered(monkeypatch, "minibatches", lambda runs: runs.assign(whole_sharpness=runs.whole_sharpness.where(
        runs.batch == 32, 0.95 * runs.whole_sharpness)), steps=8007)


def of_size(size: int, factor: float, steps: slice = slice(None)):
    """Return what multiplies the batch sharpness at one size by a factor, at some of the steps."""
    def change(runs):
        there = (runs.batch == size) & runs.look.isin(runs.look.sel(look=steps))
        return runs.assign(batch_sharpness=runs.batch_sharpness.where(~there, factor * runs.batch_sharpness))
    return change


@falsifies("andreyev-batch-sharpness")
def not_smaller_with_the_smallest(monkeypatch):
    """The batch sharpness with batches of 32 is a twentieth smaller: the sharpness is not below it."""
    part_altered(monkeypatch, "minibatches", of_size(32, 0.95), steps=8007)


@falsifies("andreyev-batch-sharpness")
def larger_with_the_middle_size(monkeypatch):
    """The batch sharpness with batches of 128 is a fiftieth smaller: the sharpness is above it by more than that."""
    part_altered(monkeypatch, "minibatches", of_size(128, 0.98), steps=8007)


@falsifies("andreyev-batch-sharpness")
def it_has_settled(monkeypatch):
    """The batch sharpness with batches of 512 was as near to the sharpness before."""
    part_altered(monkeypatch, "minibatches", of_size(512, 1.1, slice(2000, 4000)), steps=8007)


@falsifies("andreyev-batch-sharpness")
def a_prediction_that_held(monkeypatch):
    """With 2,142 steps batches of 32 are where they had been predicted to be."""
    part_altered(monkeypatch, "minibatches", of_size(32, 1.05), steps=2142)


@falsifies("cohen-edge-polynomial")
def a_tenth_flatter(monkeypatch):
    """Descent hovers a tenth lower."""
    live(monkeypatch, lambda runs: runs.assign(sharpness=0.9 * runs.sharpness))


@falsifies("cohen-edge-polynomial")
def flow_at_the_edge(monkeypatch):
    """Gradient flow stops at 2/η, too."""
    live(monkeypatch, lambda runs: runs.assign(flow_sharpness=np.minimum(runs.flow_sharpness, 20)))


@falsifies("cohen2024-central-flow")
def another_route(monkeypatch):
    """The second route holds the sharpness two per cent below 2/η."""
    live(monkeypatch, lambda runs: runs)
    monkeypatch.setattr(checks, "routes_apart", checks.routes_apart.__wrapped__)
    replaced(monkeypatch, flows, "projected", lambda right, fit, w, rate, *given: right(fit, w, 1.02 * rate, *given))


@falsifies("cohen2024-central-flow")
def the_flow_in_its_place(monkeypatch):
    """The central flow is gradient flow."""
    live(monkeypatch, lambda runs: runs.assign(central_distance=runs.flow_distance))


@falsifies("ours-edge-separable")
def non_separable_for_both(monkeypatch):
    """The hypothesis is dropped: both versions are the non-separable one."""
    live(monkeypatch, lambda runs: runs.assign(digit_share=runs.digit_share.sel(
        version=["non-separable"] * 2).assign_coords(version=runs.version)))


@falsifies("ours-edge-separable")
def certificates_of_neither(monkeypatch):
    """Neither version is what its name says."""
    live(monkeypatch, lambda runs: runs.assign(certificate=runs.certificate.copy(data=["mixed"] * 2)))
