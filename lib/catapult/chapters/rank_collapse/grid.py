"""A small grid world with walls: where each action leads, the values of the best policy, what a policy returns."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
DISCOUNT = 0.95


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Deterministic moves on a square; entering the last corner gives 1 and ends the walk.

    ``follows`` and ``rewards`` (state, action), ``going`` (state, action): 0 where the walk ends.
    """

    follows: np.ndarray
    rewards: np.ndarray
    going: np.ndarray

    def targets(self, values: np.ndarray) -> np.ndarray:
        """Return r + γ max_a' Q(s', a') of values (..., state, action), of the same shape."""
        return self.rewards + DISCOUNT * self.going * values.max(-1)[..., self.follows]

    def iterates(self, count: int) -> np.ndarray:
        """Return exact value iteration from 0, (count, state, action): the first is the rewards."""
        found = [self.rewards]
        for _ in range(count - 1):
            found.append(self.targets(found[-1]))
        return np.array(found)

    @functools.cached_property
    def best(self) -> np.ndarray:
        """Q*, by value iteration to the end."""
        return self.iterates(4 * len(self.rewards))[-1]

    def returned(self, actions: np.ndarray) -> float:
        """Return Σ_s V^π(s)/Σ_s V*(s) of the policy with ``actions`` (state,): 1 for the best, by linear solve."""
        states = np.arange(len(actions))
        step = np.zeros((len(actions), len(actions)))
        step[states, self.follows[states, actions]] = DISCOUNT * self.going[states, actions]
        values = np.linalg.solve(np.eye(len(actions)) - step, self.rewards[states, actions])
        return float(values.sum() / self.best.max(-1).sum())


@functools.cache
def walled(side: int) -> Grid:
    """Return the grid of ``side`` ≥ 4 with two walls that leave a gap at opposite ends: a path in the form of an S."""
    open_ = np.ones((side, side), bool)
    open_[side // 3, : side - 1] = False
    open_[2 * side // 3, 1:] = False
    places = {tuple(at): i for i, at in enumerate(np.argwhere(open_).tolist())}
    goal = len(places) - 1
    follows = np.array([[places.get((row + down, column + right), here) for down, right in MOVES]
                        for (row, column), here in places.items()])
    follows[goal] = goal
    entering = (follows == goal) & (np.arange(len(places)) != goal)[:, None]
    going = ~entering & (np.arange(len(places)) != goal)[:, None]
    return Grid(follows, entering.astype(float), going.astype(float))
