r"""The largest eigenvalue of symmetric operators that are known by their products, with a failure rate that is known.

Lanczos iteration with full reorthogonalisation from a unit vector q gives the Ritz values
:math:`\theta_1 \ge \dots \ge \theta_k` and the norms :math:`\beta_1, \dots, \beta_k` of what is left of each product,
and

.. math:: q_{k+1} = p_k(A)\, q, \qquad p_k(\lambda) = \prod_i (\lambda - \theta_i) \Big/ \prod_i \beta_i .

The :math:`\theta_1` alone may be that of a lower eigenvector, if q has little of the top one (Parlett, Simon and
Stringer, 1982); no residual tells. But :math:`|q_{k+1}| = 1`: an eigenvalue λ whose unit eigenvector x has the
component :math:`\gamma = x \cdot q` leaves :math:`|\gamma\, p_k(\lambda)| \le 1`, and :math:`p_k` grows beyond
:math:`\theta_1` (van Dorsselaer, Hochstenbach and van der Vorst, 2000). With :math:`q \propto v + \sigma g`, g standard
normal and v anything that was known before g was drawn,

.. math:: \Pr\bigl(|\gamma| < \sigma\delta / |v + \sigma g|\bigr) \le \sqrt{2/\pi}\;\delta ,

for each fixed x. So once :math:`p_k(\theta_1 + \tau s)\, \sigma\delta / |v + \sigma g| \ge 1`, the largest eigenvalue
lies in :math:`[\theta_1, \theta_1 + \tau s]` but for a probability of ``MISS`` :math:`= \sqrt{2/\pi}\,\delta`, for a
warm start (v the last eigenvector) as for a cold one (v = 0). Here τ is the tolerance and s the larger of
:math:`|\theta_1|` and a thousandth of the largest :math:`|\theta_i|`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
Seed = int | Sequence[int]

MISS = 1e-6
"""How probable it is, at most, that an eigenvalue above what is returned and its tolerance goes unseen, in one call."""
TOLERANCE = 1e-3
WARM = 0.3  # length of the noise in a warm start, in units of the guess: as far as a top vector turns between two calls
ENTRIES = 2**25  # of the Lanczos vectors kept before a restart, all operators together: 268 MB in float64
LEAST_BASIS = 64  # kept in any case
FEW = 16  # that there is room for at first: fresh memory takes longer than its use
MAX_PRODUCTS = 5000
LEAST_ROUGH = 1e-20  # in size, of what a search in float32 is believed: what it is made of may underflow below
NOISE = 0x4C61  # of the streams of noise
PRECISION = 100  # times the rounding unit: what Ritz values resolve, relative to the largest in size


class Uncertain(RuntimeWarning):
    """The largest eigenvalue was not bounded from above within ``MAX_PRODUCTS`` products."""


def largest(product: Product, start: Tensor, noise: float | Tensor = 1.0, tolerance: float = TOLERANCE,
            basis: int | None = None, rough: Product | None = None) -> tuple[np.ndarray, Tensor]:
    r"""Return the largest (algebraic) eigenvalue of R symmetric operators, and unit vectors that have it.

    What is guaranteed, with s as above: the vector's Rayleigh quotient is the value θ, and θ is at most τs below the
    largest eigenvalue, but for a probability of ``MISS`` (10⁻⁶) a call over the noise of ``start``; it is never above.
    Where the gap to the second eigenvalue is at least 10 τs, θ is also within τs/10: the residual
    :math:`\rho = |Aq - \theta q|` is at most 0.9 τs, and the error at most ρ² over the gap (Kato and Temple). This
    holds up to rounding: τs counts as at least ``PRECISION`` · ε of the largest :math:`|\theta_i|`, ε the dtype's.

    Parameters
    ----------
    product
        The operators side by side, a map of tensors of shape (R, P).
    start
        A vector v + σg a row, shape (R, P): see :func:`start_vectors`.
    noise
        σ, a number or of shape (R,): the standard deviation of each entry of the Gaussian part of ``start``.
    tolerance
        τ.
    basis
        Vectors kept before a (thick) restart; as many as fit in ``ENTRIES`` numbers if None.
    rough
        The same operators in float32, twice as fast: the search is theirs, and one product in float64 gives the value
        and checks it and its residual. Where that does not do, or float32 does not resolve τs, float64 searches again.
        That no eigenvalue is larger is said of the operator in float32: of the other too, if they differ by less than
        τs, as they do unless a unit's kink is within float32's rounding of a preactivation.

    Returns
    -------
    eigenvalues (R,), nan for an operator that is not finite; eigenvectors (R, P), any where the operator is 0

    Examples
    --------
    >>> import torch
    >>> diagonal = torch.linspace(-1, 2, 500, dtype=torch.float64)
    >>> values, vectors = largest(lambda v: v * diagonal, *start_vectors(500, seeds=[0]))
    >>> round(float(values[0]), 3)
    2.0
    """
    if rough is not None:
        found, vectors, margin = _search(rough, start.float(), noise, tolerance, basis)
        vectors = vectors.to(start)
        vectors = _unit(vectors, vectors.norm(dim=1, keepdim=True))
        images = product(vectors)
        values = (vectors * images).sum(1, keepdim=True)
        residuals = (images - values * vectors).norm(dim=1)
        values, residuals = (a.double().cpu().numpy() for a in (values[:, 0], residuals))
        resolved = (margin <= tolerance * np.abs(values) * 1.001) & (np.abs(found) >= LEAST_ROUGH)
        agreed = (residuals <= 0.9 * margin) & (np.abs(found - values) <= 0.1 * margin)
        if (resolved & agreed).all():
            return values, vectors
    return _search(product, start, noise, tolerance, basis)[:2]


def _search(product, start, noise, tolerance, basis, known=None) -> tuple[np.ndarray, Tensor, np.ndarray]:
    """Return the eigenvalues and vectors of :func:`largest`, and the τs that each was found with.

    The τs is nan where no upper bound was found. ``known`` (c, P) are unit vectors on whose complement to search.
    """
    state = Decomposition(product, start, basis, known)
    runs = len(start)
    hidden = np.log(np.asarray(noise) * MISS * math.sqrt(math.pi / 2)) - np.log(state.length)  # log γ
    eigenvalues, margins, eigenvectors = np.full(runs, np.nan), np.full(runs, np.nan), state.first.clone()
    open_ = np.ones(runs, dtype=bool)  # whose largest eigenvalue is not bounded yet
    while open_.any():
        state.grow()
        if state.zero[open_].any():  # what maps noise to 0 is 0
            eigenvalues[state.zero], margins[state.zero], open_ = 0, 0, open_ & ~state.zero
        if not state.due or not open_.any():
            continue
        values, vectors = state.ritz()
        radius = np.maximum(np.abs(values).max(1), state.largest)
        margin = np.maximum(tolerance * np.maximum(np.abs(values[:, -1]), radius / 1000),
                            PRECISION * torch.finfo(start.dtype).eps * radius)
        bounded = state.exhausted | (state.growth(values, margin, radius) + hidden >= 0)
        settled = state.exhausted | (state.beta * np.abs(vectors[:, -1, -1]) <= 0.9 * margin)
        spent = state.products >= MAX_PRODUCTS
        done = open_ & (bounded & settled | spent | state.broken)
        if spent and (done & ~state.broken).any():
            warnings.warn(f"no upper bound on {done.sum()} largest eigenvalues after {state.products} products",
                          Uncertain, stacklevel=3)
        if done.any():
            eigenvalues[done] = np.where(state.broken, np.nan, state.scale * values[:, -1])[done]
            margins[done] = np.where(bounded & settled, state.scale * margin, np.nan)[done]
            open_ = open_ & ~done
            eigenvectors[done] = state.combined(vectors[:, :, -1:])[done, 0]
        if state.full and open_.any():
            state.restart(values, vectors)
    return eigenvalues, eigenvectors, margins


class Decomposition:
    """A Lanczos decomposition of R operators, :math:`A Q = Q T + \\beta\\, q\\, e_k^\\top`, a product at a time.

    A is the operator over ``scale`` (R,), the largest entry of its first image: no square overflows or underflows.
    ``T`` (R, k, k) is tridiagonal until a restart keeps Ritz vectors. ``first`` are the unit start vectors, ``length``
    their norms before, ``beta`` (R,) the norm of what the last product left over. With ``known`` (c, P), unit vectors,
    A is that of the complement: every new vector is purged of them, as an iteration would amplify what is left.
    """

    def __init__(self, product: Product, start: Tensor, basis: int | None = None, known: Tensor | None = None):
        runs, size = start.shape
        self._product, self._size, self._known = product, size - (0 if known is None else len(known)), known
        self.scale, self.zero = np.ones(runs), np.zeros(runs, dtype=bool)
        norms = start.norm(dim=1, keepdim=True)
        self.first = self._next = self._purged(_unit(start, norms))
        self.length = norms[:, 0].double().cpu().numpy()
        self.basis = min(self._size, max(3, basis or max(LEAST_BASIS, ENTRIES // (runs * size))))
        self._Q = start.new_empty(runs, min(self.basis, FEW), size)
        self._T = np.zeros((runs, self.basis + 1, self.basis + 1))
        self._rounding = 10 * torch.finfo(start.dtype).eps
        self.products, self.k, self.beta = 0, 0, np.zeros(runs)
        self._kept = 0  # Ritz vectors of the last restart: the vector after them is coupled to all
        self.broken = np.zeros(runs, dtype=bool)
        self.largest = self._size_of_T = np.zeros(runs)  # of all |Ritz values| that were dropped; of the entries of T
        self._betas: list[np.ndarray] = []
        self._dropped = np.zeros((runs, 0))

    def grow(self) -> None:
        """Take one product more."""
        k = self.k
        if k == self._Q.shape[1]:
            self._Q = torch.cat([self._Q, self._Q.new_empty(len(self._Q), min(k, self.basis - k), self._Q.shape[2])], 1)
        self._Q[:, k] = self._next
        coupled = min(k + 1, 2) if k > self._kept else k + 1
        image = self._product(self._next)
        if not self.products:
            size = image.abs().amax(1, keepdim=True)
            self.zero, self._divisor = (size == 0)[:, 0].cpu().numpy(), torch.where(size == 0, 1, size)
            self.scale = self._divisor[:, 0].double().cpu().numpy()
        image, along = _orthogonalised(image / self._divisor, self._Q[:, :k + 1], coupled)
        norms = image.norm(dim=1, keepdim=True)
        self.beta = norms[:, 0].double().cpu().numpy()
        alpha = along.double().cpu().numpy()
        self.broken |= ~np.isfinite(alpha + self.beta)
        self.beta = np.where(self.broken, 0, self.beta)
        self._T[:, k, k] = np.where(self.broken, 0, alpha)
        self._T[:, k, k + 1] = self._T[:, k + 1, k] = self.beta
        self._betas.append(self.beta)
        self._next = self._purged(_unit(image, norms))
        self._size_of_T = np.maximum(self._size_of_T, np.abs(alpha) + self.beta)
        ended = torch.as_tensor(self.beta <= self._rounding / 10 * self._size_of_T, device=image.device)
        if ended.any() and k + 1 < self._size:  # an invariant subspace: go on from noise, uncoupled
            fresh = torch.as_tensor(np.random.default_rng(k).standard_normal(image.shape)).to(image)
            for _ in range(3):
                fresh = self._purged(_unit(fresh, fresh.norm(dim=1, keepdim=True)))
                fresh = fresh - (self._Q[:, :k + 1].mT @ (self._Q[:, :k + 1] @ fresh[:, :, None]))[:, :, 0]
            self._next = torch.where(ended[:, None], _unit(fresh, fresh.norm(dim=1, keepdim=True)), self._next)
        self.products, self.k = self.products + 1, k + 1

    def _purged(self, vectors: Tensor) -> Tensor:
        """Return unit vectors (R, P) without their components along the known ones."""
        if self._known is None or not len(self._known):
            return vectors
        vectors = _without(vectors, self._known)
        return _unit(vectors, vectors.norm(dim=1, keepdim=True))

    @property
    def full(self) -> bool:
        """Whether there is no room for another vector."""
        return self.k == self.basis

    @property
    def exhausted(self) -> bool:
        """Whether the vectors span the whole space: the Ritz values are all the eigenvalues."""
        return self.k == self._size

    @property
    def due(self) -> bool:
        """Whether to look at the Ritz values now: at first always, later a few times in each doubling."""
        return self.k < 16 or self.full or self.k % (self.k // 4) == 0

    def ritz(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the Ritz values (R, k), rising, and the eigenvectors of T (R, k, k) as columns."""
        return np.linalg.eigh(self._T[:, :self.k, :self.k])

    def combined(self, coefficients: np.ndarray) -> Tensor:
        """Return vectors (R, c, P) from their coefficients (R, k, c) in the Lanczos vectors."""
        return torch.as_tensor(coefficients).to(self._Q).mT @ self._Q[:, :self.k]

    def growth(self, values: np.ndarray, margin: np.ndarray, radius: np.ndarray) -> np.ndarray:
        r"""Return :math:`\log |p_k(\theta_1 + \text{margin})|`, shape (R,); no β counts as less than rounding."""
        least = self._rounding * radius
        factors = np.concatenate([values[:, -1:] - values, values[:, -1:] - self._dropped], 1) + margin[:, None]
        with np.errstate(all="ignore"):
            return np.log(factors).sum(1) - np.log(np.maximum(np.stack(self._betas), least)).sum(0)

    def restart(self, values: np.ndarray, vectors: np.ndarray) -> None:
        """Keep half of the Ritz vectors, those of the largest values (Wu and Simon, 2000).

        The vectors to come are those of Lanczos from :math:`\\psi(A) q`, ψ with the dropped values as zeros: ``growth``
        goes on, with their factors.
        """
        kept = max(1, self.k // 2)
        self._Q[:, :kept] = self.combined(vectors[:, :, -kept:])
        self.largest = np.maximum(self.largest, np.abs(values).max(1))
        self._dropped = np.concatenate([self._dropped, values[:, :-kept]], 1)
        couplings = self.beta[:, None] * vectors[:, -1, -kept:]
        self._T[:] = 0
        self._T[:, range(kept), range(kept)] = values[:, -kept:]
        self._T[:, kept, :kept] = self._T[:, :kept, kept] = couplings
        self.k = self._kept = kept


def start_vectors(size: int, seeds: Iterable[Seed], guess: Tensor | None = None,
                  like: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the start vectors (R, P) of :func:`largest`, and σ (R,) of the noise in them.

    Gaussian noise, drawn anew for each of the R ``seeds``, whole numbers or tuples of them, such as (seed, step): what
    goes wrong in one call does not go wrong in every run. It comes from NumPy's generator, not from torch's, which
    draws the weights, and from no stream that draws data: it has to be independent of the operator. With a ``guess``
    (R, P), such as the eigenvectors of a moment ago, it is scaled to ``WARM`` of that; a guess that is no direction
    makes a cold start.
    """
    like = torch.empty(0, dtype=torch.float64) if like is None else like
    drawn = [np.random.default_rng((*np.atleast_1d(seed).tolist(), NOISE)).standard_normal(size) for seed in seeds]
    noise, sigma = torch.as_tensor(np.stack(drawn)).to(like), torch.ones(len(drawn), dtype=torch.float64)
    if guess is None:
        return noise, sigma
    norms = guess.norm(dim=1, keepdim=True)
    usable = torch.isfinite(norms) & (norms > 0)  # else a cold start
    sigma = torch.where(usable[:, 0].cpu(), WARM / math.sqrt(size), sigma)
    return torch.where(usable, _unit(guess, norms), 0) + sigma[:, None].to(noise) * noise, sigma


def largest_few(product: Product, size: int, count: int, seed: Seed = 0, tolerance: float = TOLERANCE,
                like: Tensor | None = None) -> tuple[np.ndarray, Tensor]:
    """Return the ``count`` largest eigenvalues of one operator, falling, and unit eigenvectors (count, P).

    One after the other, each on the complement of the vectors before, with noise of its own: so that multiple
    eigenvalues come as often as they should. Each has the guarantee of :func:`largest` on its complement, whose
    eigenvalues differ from those of the operator by at most the residuals of the vectors before, 0.9 τs.
    ``product`` maps (1, P) to (1, P).
    """
    values, found = [], []
    for number in range(min(count, size)):
        start, noise = start_vectors(size, [(*np.atleast_1d(seed), number)], like=like)
        known = torch.stack(found) if found else start.new_empty(0, size)
        (value,), vector, _ = _search(lambda v, known=known: _without(product(v), known), _without(start, known),
                                         noise, tolerance, None, known)
        values.append(value)
        found.append(vector[0])
    return np.array(values), torch.stack(found)


def _without(vectors: Tensor, known: Tensor) -> Tensor:
    """Return vectors (R, P) less their components along unit vectors (c, P)."""
    return vectors - (vectors @ known.mT) @ known


def spectral_density(product: Product, size: int, grid: np.ndarray, width: float, *, probes: int = 8, steps: int = 80,
                     seed: int = 0, like: Tensor | None = None) -> np.ndarray:
    r"""Return the density of eigenvalues of one operator on ``grid``, smoothed by a Gaussian of this ``width``.

    Stochastic Lanczos quadrature: from random unit vectors q,
    :math:`E\, q^\top \phi(A) q = \frac1P \sum_i \phi(\lambda_i)`, and each term is
    :math:`\sum_j s_{j}^2\, \phi(\theta_j)`, :math:`s_j` the first entry of the eigenvector j of T (Golub and Meurant,
    1994; Ghorbani, Krishnan and Xiao, 2019). The density integrates to one, and errs by about
    :math:`1/\sqrt{P\,\text{probes}}` of its size.
    """
    density = np.zeros(len(grid))
    for probe in range(probes):
        start, _ = start_vectors(size, [(seed, probe)], like=like)
        state = Decomposition(product, start, basis=min(size, steps))
        while not state.full:
            state.grow()
        values, vectors = state.ritz()
        values = state.scale[:, None] * values
        bumps = np.exp(-(((grid[:, None] - values[0]) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
        density += bumps @ vectors[0, 0] ** 2 / probes
    return density


def _unit(vectors: Tensor, norms: Tensor) -> Tensor:
    """Return each row over its norm, shape (R, 1); a row of zeros as it is."""
    return vectors / torch.where(norms == 0, 1, norms)


def _orthogonalised(image: Tensor, Q: Tensor, coupled: int) -> tuple[Tensor, Tensor]:
    """Return ``image`` (R, P) without its components along the rows of ``Q`` (R, k, P), and that along the last (R,).

    In exact arithmetic it has components along the last ``coupled`` rows alone. They go first, so that what the pass
    over all rows takes away is rounding, and its own errors are of second order; once more where digits were lost.
    """
    along = 0
    for rows in (Q[:, -coupled:], Q, Q):
        before = image.norm(dim=1)
        components = rows @ image[:, :, None]
        image = torch.baddbmm(image[:, None], components.mT, rows, alpha=-1)[:, 0]
        along = along + components[:, -1, 0]
        if rows is Q and (image.norm(dim=1) > 0.1 * before).all():
            break
    return image, along
