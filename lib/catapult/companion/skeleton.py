"""The skeleton of a chapter: its text, and its room with an experiment, a figure, a check and one claim that holds."""

from __future__ import annotations

import re
from pathlib import Path

from catapult import paths
from catapult.parameters import InputError, shown
from catapult.runs import experiments, store

PAGE = '''---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
chapter:
  shows: >-
    What the chapter shows, in a sentence or two.
  needs: What the reader has to know.
---

# TITLE

```{chapter-card}
```

The result, before the machinery.

```{code-cell} ipython3
:tags: [parameters]

w0: float = 1.0  # weight at the start
steps: int = 20  # steps of gradient descent
```

```{code-cell} ipython3
:tags: [hide-input]

from catapult.chapters.ROOM import experiment, figures
from catapult.companion import claims, registry
from catapult.runs import results

parameters = registry.parameters("NAME", globals())
measured = results.compute(experiment, parameters)
```

```{code-cell} ipython3
---
tags: [remove-input]
mystnb:
  image:
    alt: >-
      A curve that falls from the upper left to the lower right.
  figure:
    name: fig-NAME
    caption: |
      Gradient descent on $w^2/2$ with learning rate $\\frac12$.
---
figures.weights(measured)
```

```{code-cell} ipython3
:tags: [nbval-check-output]

print(f"{measured.w.item(-1):.3e}")
```

```{code-cell} ipython3
:tags: [nbval-check-output]

print(f"{measured.w.item(1) / measured.w.item(0):.3f}")
```

## Verdicts

```{code-cell} ipython3
:tags: [remove-input]

claims.verdicts("NAME")
```
'''

EXPERIMENT = '''"""Gradient descent on w²/2: to be replaced."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import Field

from catapult import parameters


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    w0: float = Field(1.0, gt=0, description="weight at the start")
    steps: int = Field(20, ge=1, le=1000, description="steps of gradient descent")


def run(values: Parameters) -> xr.Dataset:
    """Return the weights, over (step,)."""
    step = np.arange(values.steps + 1)
    return xr.Dataset({"w": ("step", values.w0 * 0.5**step)}, coords={"step": step})
'''

FIGURES = '''"""Figures, from the results of the experiment beside them."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from catapult import style


def weights(results: xr.Dataset) -> Figure:
    """Draw the weight against the step."""
    with style.use():
        figure, axes = style.subplots(1, 1, width=6, height=3.6)
        axes.plot(results.step, results.w, color=style.PALETTE["theory"])
        axes.set(yscale="log", xlabel="step", ylabel="weight")
    return figure
'''

CHECKS = '''"""Checks: the closed form against gradient descent, step by step."""

from __future__ import annotations

import numpy as np

from catapult.companion.measurement import Measurement

FACTOR = 0.5


def halves() -> Measurement:
    """The largest distance of a step of gradient descent from half the weight."""
    w = np.full(21, 3.0)
    for step in range(20):
        w[step + 1] = w[step] - 0.5 * w[step]
    return Measurement(np.max(np.abs(w[1:] - FACTOR * w[:-1])))
'''

CLAIMS = '''- id: ours-NAME-halves
  figure: fig-NAME
  statement: >-
    Gradient descent on $w^2/2$ with learning rate $\\frac12$ halves the weight at every step.
  basis: ours
  check: halves
  bound: "<= 1e-15"
  quantity: the largest distance of a step from half the weight
  data: none
  verdict: open
'''

FALSIFICATIONS = '''"""Falsifications of the rows."""

from __future__ import annotations

from catapult.chapters.ROOM import checks
from falsifying import falsifies


@falsifies("ours-NAME-halves")
def another_factor(monkeypatch):
    """The factor is 0.51."""
    monkeypatch.setattr(checks, "FACTOR", 0.51)
'''


def write(name: str) -> list[Path]:
    """Write the skeleton of a chapter and return its files; ``_toc.yml`` and ``book/claims.md`` are the author's.

    Raises
    ------
    InputError
        For a name that is no id, or that a chapter, an experiment or a page has.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", name):
        raise InputError(f"new chapter: {shown(name)} is no id; allowed: lower-case words joined by -, such as "
                         "edge-of-stability")
    room = name.replace("-", "_")
    home, tests = paths.ROOMS / room, paths.ROOT / "tests" / "chapters" / room
    files = {paths.BOOK / f"{name}.md": PAGE, home / "experiment.py": EXPERIMENT, home / "figures.py": FIGURES,
             home / "checks.py": CHECKS, home / "claims.yml": CLAIMS, tests / "falsifications.py": FALSIFICATIONS}
    taken = next((path for path in (*files, home) if path.exists()), None)
    if taken or name in experiments.names():
        raise InputError(f"new chapter: {shown(name)} is taken, by {taken or name}; allowed: a name that is not")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        title = name.replace("-", " ").capitalize()
        store.write(path, text.replace("NAME", name).replace("ROOM", room).replace("TITLE", title).encode())
    return list(files)
