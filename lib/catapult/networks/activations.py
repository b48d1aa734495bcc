r"""The activations: a closed table whose members carry all that is asked of one.

========  ==============================  ==========================  ==============================
name      :math:`\phi(z)`                 :math:`\phi'` by h          :math:`\phi''` by h
========  ==============================  ==========================  ==============================
linear    z                               1                           0
relu      max(z, 0)                       1 where h > 0, else 0       0
leaky     z where z > 0, else z/10        1 where h > 0, else 1/10    0
relu3     :math:`\max(z, 0)^3`            :math:`3 h^{2/3}`           :math:`6 h^{1/3}`
softplus  :math:`\log(1 + e^z)`           :math:`1 - e^{-h}`          :math:`e^{-h}(1 - e^{-h})`
tanh      :math:`\tanh z`                 :math:`1 - h^2`             :math:`-2h(1 - h^2)`
========  ==============================  ==========================  ==============================

The engines keep the values :math:`h = \phi(z)`, not z: derivatives are functions of h. So an activation must be such
that h determines :math:`\phi'(z)` and :math:`\phi''(z)`: strictly monotone, but perhaps for one half-line on which
:math:`\phi` is constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catapult.parameters import InputError

if TYPE_CHECKING:
    from torch import Tensor


def zero(h: Tensor) -> Tensor:
    """The second derivative of what is piecewise linear: 0 (almost everywhere).

    Examples
    --------
    >>> import torch
    >>> zero(torch.ones(3)).item()
    0.0
    """
    return h.new_zeros(())


@dataclass(frozen=True)
class Activation:
    """An activation φ of torch tensors, elementwise.

    Attributes
    ----------
    value
        φ(z), differentiable twice by autograd.
    slope, bend
        φ'(z) and φ''(z) as functions of h = φ(z): a tensor of the shape of h, or one number for all. ``bend`` is
        ``zero`` itself where φ is piecewise linear.
    in_place
        φ(z) written over z, where torch has that.
    is_linear
        Whether φ(z) = z.
    dies
        Whether φ is constant 0 on a half-line: a network may then have no output and no gradient.

    Raises
    ------
    InputError
        For a value, slope or bend that is no function.

    Examples
    --------
    >>> import torch
    >>> ACTIVATIONS["tanh"].slope(torch.tensor(0.5)).item()  # 1 − h²
    0.75
    """

    name: str
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    bend: Callable[[Tensor], Tensor]
    in_place: Callable[[Tensor], Tensor] | None = None
    is_linear: bool = False
    dies: bool = False

    def __post_init__(self):
        for quantity in ("value", "slope", "bend"):
            if not callable(getattr(self, quantity)):
                raise InputError(f"activation = {self.name!r}: lacks its {quantity}; activations that have it: "
                                 f"{', '.join(ACTIVATIONS)}")

    @property
    def over(self) -> Callable[[Tensor], Tensor]:
        """φ as a function that may overwrite its argument."""
        return self.in_place or self.value


def _softplus(z):
    import torch

    # From the threshold on it is z; torch's own threshold, 20, is off by 10⁻¹⁰.
    return torch.nn.functional.softplus(z, threshold=700 if z.dtype == torch.float64 else 80)


def _leaky(z):
    import torch

    return torch.nn.functional.leaky_relu(z, 0.1)


_MEMBERS = (
    Activation("linear", lambda z: z, lambda h: h.new_ones(()), zero, is_linear=True),
    Activation("relu", lambda z: z.relu(), lambda h: h.sign(), zero, in_place=lambda z: z.relu_(), dies=True),
    Activation("leaky", _leaky, lambda h: 0.1 + 0.9 * (h > 0).to(h), zero),
    Activation("relu3", lambda z: z.relu() ** 3, lambda h: 3 * h ** (2 / 3), lambda h: 6 * h ** (1 / 3), dies=True),
    Activation("softplus", _softplus, lambda h: -(-h).expm1(), lambda h: -(-h).expm1() * (-h).exp()),
    Activation("tanh", lambda z: z.tanh(), lambda h: h.new_ones(()).addcmul(h, h, value=-1),
               lambda h: -2 * h * (1 - h**2), in_place=lambda z: z.tanh_()),
)

ACTIVATIONS = {member.name: member for member in _MEMBERS}
