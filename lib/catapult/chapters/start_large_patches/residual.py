"""A residual network of eight layers with batch normalisation, in plain torch: the engines have none."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """x + conv(relu(norm(conv(relu(norm(x)))))): two convolutions of 3 × 3, the first with the stride.

    Where width or stride change, the sum takes a convolution of 1 × 1 of relu(norm(x)) in the place of x.
    """

    def __init__(self, width_in: int, width_out: int, stride: int):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in (width_in, width_out))
        self.first = nn.Conv2d(width_in, width_out, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(width_out, width_out, 3, padding=1, bias=False)
        same = width_in == width_out and stride == 1
        self.shortcut = None if same else nn.Conv2d(width_in, width_out, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, shape (n, width_out, height / stride, height / stride)."""
        inner = functional.relu(self.norms[0](x))
        outer = self.second(functional.relu(self.norms[1](self.first(inner))))
        return outer + (x if self.shortcut is None else self.shortcut(inner))


class Residual(nn.Module):
    """A convolution, three blocks of width w, 2w, 4w, and a linear layer on the mean over the image: eight layers.

    The layout and the initial weights are those of the wide residual networks of the authors' code at one block a
    stage: He's normal with the fan out, biases 0.
    """

    def __init__(self, width: int = 16, classes: int = 10):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.norm = nn.BatchNorm2d(4 * width)
        self.last = nn.Linear(4 * width, classes)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.normal_(part.weight, 0.0, math.sqrt(2 / (part.kernel_size[0] ** 2 * part.out_channels)))
        nn.init.zeros_(self.last.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the outputs, shape (n, classes), of images of shape (n, 3, 32, 32)."""
        return self.last(functional.relu(self.norm(self.blocks(self.first(images)))).mean((2, 3)))
