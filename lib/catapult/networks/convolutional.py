r"""A small convolutional network: strided convolutions, a linear read-out, no biases.

With :math:`P_l` the map that cuts every image into its patches, one row a patch (an image of the data, or the
feature maps of layer l−1), :math:`\phi` the activation and :math:`s_l` the scale of the parametrisation,

.. math:: A_0 = X, \quad A_l = \phi(s_l\, P_l(A_{l-1})\, W_l^\top), \quad f = s_k\, \mathrm{flat}(A_{k-1})\, W_k^\top .

A convolution is a fully connected layer that all patches of an image share, so its weights are a matrix too, of
shape (channels out, patch), and what :mod:`catapult.networks` says of the two parametrisations holds word for word,
the fan-in :math:`m_l` being the size of a patch, kernel² × channels in: "ntk" has :math:`s_l = m_l^{-1/2}` and
entries from N(0, 1), "standard" :math:`s_l = 1` and entries from N(0, 1/m_l). The read-out's fan-in is the number of
values in the last feature maps.

The stride takes the place of pooling: the maps shrink without one more operation, and the network stays a chain of
matrix products and activations. There is no padding: every patch is full, so that the fan-in is the same at all
places. The rows and columns that are left over at the lower and right edge, fewer than the stride, are not seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from catapult.networks import WeightMatrices
from catapult.parameters import InputError, is_whole, whole

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ConvolutionalNetwork(WeightMatrices):
    """A convolutional network without biases.

    Parameters
    ----------
    image
        (height, width, channels) of the inputs. A row of X holds one image in this order, ``X[i].reshape(image)``, as
        the pixels of :mod:`catapult.datasets` do: (28, 28, 1) for MNIST, (32, 32, 3) for CIFAR-10. Mind that PyTorch's
        order is another: channels first.
    channels
        Channels after each convolution, at least one.
    outputs
        Number of outputs of the linear read-out.
    activation
        A name in ``catapult.networks.activations.ACTIVATIONS``, after every convolution.
    parametrization
        ``"ntk"`` or ``"standard"``, see the module.
    kernel, stride
        Side of the square patches and the step between them, both the same in every layer. A map of side h becomes
        one of side ⌊(h − kernel)/stride⌋ + 1.

    Raises
    ------
    InputError
        For sizes that are not whole numbers ≥ 1, an image that is too small for so many convolutions, an activation
        or a parametrisation that are not of these.

    Examples
    --------
    >>> network = ConvolutionalNetwork((28, 28, 1), (8, 16), outputs=10)
    >>> network.maps, network.shapes
    (((28, 28, 1), (13, 13, 8), (6, 6, 16)), ((8, 9), (16, 72), (10, 576)))
    """

    image: tuple[int, int, int]
    channels: tuple[int, ...]
    outputs: int = 1
    activation: str = "relu"
    parametrization: str = "ntk"
    kernel: int = 3
    stride: int = 2

    def __post_init__(self):
        for name, length in (("image", 3), ("channels", None)):
            value = getattr(self, name)
            sizes = tuple(value) if isinstance(value, tuple | list) else ()
            if not sizes or len(sizes) != (length or len(sizes)) or not all(is_whole(size, 1) for size in sizes):
                what = "(height, width, channels), three whole numbers" if length else "at least one whole number"
                raise InputError(f"{name} = {value!r}; allowed: {what} ≥ 1")
            object.__setattr__(self, name, tuple(map(int, sizes)))
        for name in ("outputs", "kernel", "stride"):
            object.__setattr__(self, name, whole(name, getattr(self, name), 1))
        self._check_options()
        for layer, (height, width, _) in enumerate(self.maps[:-1], 1):
            if min(height, width) < self.kernel:
                raise InputError(f"image = {self.image}: convolution {layer} would see maps of {height} × {width}; "
                                 f"allowed: {self.kernel} × {self.kernel}, the kernel, or larger")

    @property
    def inputs(self) -> int:
        return math.prod(self.image)

    @cached_property
    def maps(self) -> tuple[tuple[int, int, int], ...]:
        """The image and the maps after each convolution: (height, width, channels)."""
        maps = [self.image]
        for channels in self.channels:
            maps.append((*((side - self.kernel) // self.stride + 1 for side in maps[-1][:2]), channels))
        return tuple(maps)

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """The shape (m_out, m_in) of each weight matrix.

        A row of a convolution's is a filter in the order of an image, (row, column, channel): the matrix is
        ``conv.weight.permute(0, 2, 3, 1).flatten(1)`` of a ``torch.nn.Conv2d``. A row of the read-out's weighs the last
        maps, in the same order.
        """
        convolutions = [(after[2], self.kernel**2 * before[2]) for before, after in pairwise(self.maps)]
        return (*convolutions, (self.outputs, math.prod(self.maps[-1])))

    def entering(self, layer: int, below: torch.Tensor) -> torch.Tensor:
        """Return the rows that the weights of a layer multiply, of shape (…, rows, fan-in): P_l, or flat.

        ``below`` holds the pixels of the images or maps that enter, (…, n · height · width, channels).
        """
        height, width, _ = self.maps[layer]
        maps = below.unflatten(-2, (-1, height, width))
        if layer == self.depth - 1:
            return maps.flatten(-3)
        patches = maps.unfold(-3, self.kernel, self.stride).unfold(-3, self.kernel, self.stride).movedim(-3, -1)
        return patches.flatten(-6, -4).flatten(-3)

    def leaving(self, layer: int, rows: torch.Tensor) -> torch.Tensor:
        """Return the adjoint of ``entering``: every pixel the sum of what the patches that hold it say."""
        height, width, channels = self.maps[layer]
        if layer == self.depth - 1:
            return rows.unflatten(-1, (height * width, channels)).flatten(-3, -2)
        kernel, stride, after = self.kernel, self.stride, self.maps[layer + 1][:2]
        patches = rows.unflatten(-2, (-1, *after)).unflatten(-1, (kernel, kernel, channels))
        maps = rows.new_zeros(*patches.shape[:-5], height, width, channels)
        down, right = (stride * (side - 1) + 1 for side in after)
        for i in range(kernel):
            for j in range(kernel):
                maps[..., i:i + down:stride, j:j + right:stride, :] += patches[..., i, j, :]
        return maps.flatten(-4, -2)

    def patches(self, X: torch.Tensor) -> torch.Tensor:
        """Return what enters the first layer for inputs (…, n, d): their patches, (…, rows, fan-in)."""
        return self.entering(0, X.unflatten(-1, (-1, self.image[2])).flatten(-3, -2))

    def through(self, V: list[torch.Tensor], first: torch.Tensor) -> tuple[list, list, torch.Tensor]:
        """Return [H_1, …, H_k], the rows that enter each layer, [A_1, …, A_{k−1}] and f, for V_l = s_l W_l.

        ``first`` is H_1; f has shape (…, n), with several outputs (…, n, outputs).
        """
        rows, hidden = [first], []
        for layer, matrix in enumerate(V[:-1], 1):
            hidden.append(self.activate(rows[-1] @ matrix.mT))
            rows.append(self.entering(layer, hidden[-1]))
        f = rows[-1] @ V[-1].mT
        return rows, hidden, f.squeeze(-1) if self.outputs == 1 else f

    def forward(self, weights: list[torch.Tensor], X: torch.Tensor) -> torch.Tensor:
        """Return the outputs for inputs ``X`` of shape (n, d): (n,) for one output, else (n, outputs).

        Weights with leading dimensions (several runs) give outputs with the same leading dimensions.
        """
        return self.through(self._scaled(weights), self.patches(X))[-1]

    def forward_with_hidden(self, weights, X) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the outputs, by PyTorch's convolutions, and the maps (n, channels, height, width): of one run."""
        import torch

        hidden, a = [], X.unflatten(1, self.image).movedim(3, 1)
        for scale, matrix in zip(self.scales[:-1], weights[:-1], strict=True):
            filters = matrix.unflatten(1, (self.kernel, self.kernel, -1)).movedim(3, 1)
            a = self.activate(torch.nn.functional.conv2d(a, scale * filters, stride=self.stride))
            hidden.append(a)
        f = self.scales[-1] * (a.movedim(1, 3).flatten(1) @ weights[-1].mT)
        return (f.squeeze(-1) if self.outputs == 1 else f), hidden

    def jacobian(self, weights: list[torch.Tensor], X: torch.Tensor) -> torch.Tensor:
        r"""Return the derivatives of the outputs in all P weights, (n · outputs, P): a row a sample and output.

        :math:`\partial f(x_i)/\partial W_l = s_l \sum_p b_p h_p^\top` over the patches p of the sample, with b the
        derivatives in the preactivations.
        """
        import torch

        V = self._scaled(weights)
        rows, hidden, _ = self.through(V, self.patches(X))
        back = torch.eye(self.outputs).to(X)[:, None].expand(-1, len(X), -1)  # (outputs, rows, m_out)
        blocks = []
        for layer in reversed(range(self.depth)):
            b, h = (t.unflatten(-2, (len(X), -1)) for t in (back, rows[layer]))
            blocks.insert(0, self.scales[layer] * torch.einsum("knpo,npi->nkoi", b, h).flatten(2).flatten(0, 1))
            if layer:
                back = self.leaving(layer, back @ V[layer]) * self.slope(hidden[layer - 1])
        return torch.cat(blocks, 1)

    def _scaled(self, weights):
        return [scale * matrix for scale, matrix in zip(self.scales, weights, strict=True)]
