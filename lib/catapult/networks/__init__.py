r"""What a network is: widths, activation, parametrisation, initialisation. No biases.

With :math:`\phi` the activation and :math:`m_l` the width that enters layer :math:`l`,

* ``parametrization="ntk"``:
  :math:`f(x) = m_k^{-1/2} W_k\,\phi(\dots \phi(m_1^{-1/2} W_1 x))`, entries of :math:`W_l` drawn from
  N(0, 1);
* ``parametrization="standard"``:
  :math:`f(x) = W_k\,\phi(\dots \phi(W_1 x))`, entries of :math:`W_l` drawn from N(0, 1/m_l).

Both give the same function at initialisation; gradient descent with one learning rate differs, because the
first moves each weight matrix by the factor :math:`1/m_l` less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from catapult.networks.activations import ACTIVATIONS, Activation, zero
from catapult.parameters import InputError, is_whole, nearest

if TYPE_CHECKING:
    import torch

PARAMETRIZATIONS = ("ntk", "standard")
EPSILON = 1e-5


def _standardised(z: torch.Tensor, of: torch.Tensor, axis: int) -> torch.Tensor:
    """Return z less the mean of ``of`` along an axis, over the root of its variance (divided by the count) + ε."""
    return (z - of.mean(axis, keepdim=True)) / (of.var(axis, correction=0, keepdim=True) + EPSILON).sqrt()


# z of shape (…, n, m), and that of the samples whose statistics are taken
NORMALISATIONS: dict[str | None, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    None: lambda z, trained: z,
    "batch": lambda z, trained: _standardised(z, trained, -2),
    "layer": lambda z, trained: _standardised(z, z, -1)}


class WeightMatrices:
    """What all networks share: weight matrices, a scale in front of each, an activation between them."""

    inputs: int  # d, the length of a row of X
    outputs: int
    activation: str
    parametrization: str
    normalisation: str | None = None

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """The shape (m_out, m_in) of each weight matrix; m_in is its fan-in."""
        raise NotImplementedError

    @property
    def depth(self) -> int:
        """The number of weight matrices."""
        return len(self.shapes)

    @cached_property
    def scales(self) -> tuple[float, ...]:
        """The factor in front of each weight matrix in the forward pass."""
        if self.parametrization == "standard":
            return (1.0,) * self.depth
        return tuple(fan_in**-0.5 for _, fan_in in self.shapes)

    def initialise(self, seed: int, dtype: str = "float64", device: str = "cpu") -> list[torch.Tensor]:
        """Draw the weights: a list of matrices of shape (m_out, m_in).

        They are drawn on the CPU in float64 and then cast, so that one seed gives the same weights
        (up to rounding) for every dtype and device.
        """
        import torch

        generator = torch.Generator().manual_seed(seed)
        weights = []
        for shape in self.shapes:
            matrix = torch.randn(shape, generator=generator, dtype=torch.float64)
            if self.parametrization == "standard":
                matrix /= shape[1]**0.5
            weights.append(matrix.to(device=device, dtype=getattr(torch, dtype)))
        return weights

    def matrices(self, vector: Any) -> list[Any]:
        """Return the weight matrices (m_out, m_in) from one vector (P,) of all weights: in order, row by row.

        That is how :func:`catapult.train` records ``weights``; the matrices may be its ``initial_weights``. InputError
        for a vector of another length.

        Examples
        --------
        >>> import numpy as np
        >>> [matrix.shape for matrix in Network((3, 2, 1)).matrices(np.zeros(8))]
        [(2, 3), (1, 2)]
        """
        sizes = [m_out * m_in for m_out, m_in in self.shapes]
        if getattr(vector, "shape", None) != (sum(sizes),):
            given = tuple(getattr(vector, "shape", ()))
            raise InputError(f"vector: of shape {given}; allowed: ({sum(sizes)},), all weights of {self}")
        ends = accumulate(sizes)
        return [vector[end - math.prod(shape):end].reshape(shape) for end, shape in zip(ends, self.shapes, strict=True)]

    @property
    def phi(self) -> Activation:
        """The member of the table of activations."""
        return ACTIVATIONS[self.activation]

    @property
    def is_linear(self) -> bool:
        """Whether the outputs are linear in the inputs."""
        return self.phi.is_linear and self.normalisation is None

    @property
    def activate(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """The activation φ."""
        return self.phi.value

    def slope(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the activation's derivative φ'(z) from its value φ(z); the ReLU's at 0 is 0."""
        return self.phi.slope(hidden)

    def bend(self, hidden: torch.Tensor) -> torch.Tensor | None:
        """Return the activation's second derivative φ''(z) from φ(z); None where it is zero (almost) everywhere."""
        return None if self.phi.bend is zero else self.phi.bend(hidden)

    def _check_options(self) -> None:
        for name, allowed in (("activation", ACTIVATIONS), ("parametrization", PARAMETRIZATIONS),
                              ("normalisation", NORMALISATIONS)):
            value = getattr(self, name)
            if value not in list(allowed):
                raise InputError(f"{name} = {value!r}{nearest(value, [other for other in allowed if other])}; "
                                 f"allowed: {', '.join(map(str, allowed))}")
        if self.normalisation and self.depth == 1:
            raise InputError(f"normalisation = {self.normalisation!r} needs a hidden layer, and the network has none")


@dataclass(frozen=True)
class Network(WeightMatrices):
    r"""A fully connected network without biases.

    Parameters
    ----------
    widths
        Input dimension, hidden widths, number of outputs: ``(784, 500, 500, 1)`` has two hidden layers;
        ``(d, 1)`` is the linear predictor. At least two whole numbers ≥ 1.
    activation
        A name in ``networks.activations.ACTIVATIONS``, as ``"linear"`` or ``"relu"``: after every layer but the last.
    parametrization
        ``"ntk"`` or ``"standard"``, see the module.
    normalisation
        What is done to the preactivations z of every hidden layer, :math:`\phi(\hat z)` in place of φ(z), with
        :math:`\hat z = (z - \mu)/\sqrt{\sigma^2 + \epsilon}`, ε = 1e-5, without scale and shift of its own. ``"batch"``
        (Ioffe and Szegedy, 2015): mean μ and variance σ² of each unit over the samples, those of the training set for
        whatever data; ``"layer"`` (Ba, Kiros and Hinton, 2016): over the units, for each sample; None: nothing.

    Raises
    ------
    InputError
        For widths, an activation, a parametrisation or a normalisation that are not of these, and for a normalisation
        without hidden layers.

    Examples
    --------
    >>> network = Network((4, 16, 1), "relu")
    >>> network.shapes, network.scales
    (((16, 4), (1, 16)), (0.5, 0.25))
    """

    widths: tuple[int, ...]
    activation: str = "linear"
    parametrization: str = "ntk"
    normalisation: str | None = None

    def __post_init__(self):
        widths = tuple(self.widths) if isinstance(self.widths, Iterable) else ()
        if len(widths) < 2 or not all(is_whole(width, 1) for width in widths):
            raise InputError(f"widths = {self.widths!r}: allowed: at least two whole numbers ≥ 1")
        object.__setattr__(self, "widths", tuple(map(int, widths)))
        self._check_options()

    @property
    def inputs(self) -> int:
        return self.widths[0]

    @property
    def outputs(self) -> int:
        return self.widths[-1]

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """The shape (m_{l+1}, m_l) of each weight matrix."""
        return tuple((m_out, m_in) for m_in, m_out in pairwise(self.widths))

    def forward(self, weights: list[torch.Tensor], X: torch.Tensor, offset: torch.Tensor | None = None,
                trained: torch.Tensor | None = None) -> torch.Tensor:
        """Return the outputs for inputs ``X`` of shape (n, d): (n,) for one output, else (n, outputs).

        Weights with leading dimensions (several runs) give outputs with the same leading dimensions. An
        ``offset`` (…, n, m_1) is added to X W_1ᵀ. Batch normalisation takes the statistics of the inputs
        ``trained``, of X itself if None. A linear network with one output is contracted from the output side,
        v = W_1ᵀ(… W_kᵀ), f = Xv: the same function, at the cost of matrix-vector products.
        """
        if not self.is_linear or self.outputs > 1:
            return self.forward_with_hidden(weights, X, offset, trained)[0]
        b = weights[-1].new_ones(1, 1)
        for matrix in reversed(weights[1:]):
            b = b @ matrix
        f = (b @ weights[0]) @ X.mT
        if offset is not None:
            f = f + b @ offset.mT
        return math.prod(self.scales) * f.squeeze(-2)

    def forward_with_hidden(self, weights, X, offset=None, trained=None) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the outputs, computed layer by layer, and the hidden activations, each (n, width)."""
        import torch

        hidden, n = [], len(X)
        a, normalised = X if trained is None else torch.cat([X, trained]), NORMALISATIONS[self.normalisation]
        for layer, (scale, matrix) in enumerate(zip(self.scales, weights, strict=True)):
            a = a @ matrix.mT
            if layer == 0 and offset is not None:
                a += offset
            a *= scale
            if layer < self.depth - 1:
                a = self.activate(normalised(a, a if trained is None else a[..., n:, :]))
                hidden.append(a[..., :n, :])
        f = a[..., :n, :]
        return (f.squeeze(-1) if self.outputs == 1 else f), hidden
