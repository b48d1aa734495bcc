"""Break a recursion, a constant or a bound of the library, and the row of the ledger that rests on it turns red.

Each mutation is made in a copy of the library, where ``catapult verify`` then runs in a process of its own: a child of
one that has loaded the heavy libraries and nothing of ours (``forking.py``).
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
from py_compile import PycInvalidationMode

import pytest

from catapult import paths

pytestmark = pytest.mark.slow

# (module, what stands there, what is put in its place, the row that must fail)
MUTATIONS = [
    # constants and bounds of chapter separability
    ("theory/linear_predictor.py", "** 2 / (4 * len(Z)))", "** 2 / (6 * len(Z)))", "huang-smooth-descent"),
    ("theory/linear_predictor.py", "return float(2 / ((_rows(Z)", "return float(3 / ((_rows(Z)",
     "huang-exponential-descent"),
    ("theory/linear_predictor.py", "lambertw(np.exp(-1.0))", "lambertw(np.exp(-1.1))", "ours-radius"),
    ("theory/linear_predictor.py", "normals = np.stack([-rows[:, 1], rows[:, 0]]",
     "normals = np.stack([rows[:, 0], rows[:, 1]]", "ours-radius"),
    # the gradient of the logistic loss
    ("losses.py", "return -special.expit(-u)", "return -special.expit(u)", "ours-product-recursion"),
    # critical rates, two-cycles and phases of chapter critical-learning-rates
    ("losses.py", "safe / np.tanh(safe)", "safe / np.tanh(2 * safe)", "huang-logistic-critical-rate"),
    ("losses.py", "2 * (safe * np.exp(-safe)) / -np.expm1(-2 * safe)",
     "2 * (safe * np.exp(-safe)) / -np.expm1(-safe)", "huang-exponential-critical-rate"),
    ("theory/linear_predictor.py", "w - (w - rate / 4 * tanh)", "w - (w - rate / 5 * tanh)", "ours-global-cycle"),
    ("losses.py", "elasticity=_over_sinh", "elasticity=lambda f: 0.995 * _over_sinh(f)", "ours-cycle-multiplier"),
    ("losses.py", "elasticity=_over_tanh", "elasticity=lambda f: 0.995 * _over_tanh(f)", "ours-exponential-multiplier"),
    ("theory/linear_predictor.py", "for start in (turn, -turn)", "for start in (turn, turn)", "ours-chaos-onset"),
    ("theory/linear_predictor.py", "w - learning_rate * slope(loss, w)", "w - 1.1 * learning_rate * slope(loss, w)",
     "huang-phase-diagram"),
    # the recursion of two-layer networks, in both of its forms
    ("theory/two_layer.py", "kappa * g * (scaled[t] * g - 4 * f[t])", "kappa * g * (scaled[t] * g - 2 * f[t])",
     "lewkowycz-two-numbers"),
    # edges, two-cycle and slow curve of chapters catapult-logistic and exponential-window
    ("theory/two_layer.py", "np.sqrt(8 / per_width)", "np.sqrt(9 / per_width)", "ours-kappa-eight"),
    ("theory/two_layer.py", "np.maximum(16 / ntk", "np.maximum(17 / ntk", "ours-sixteen"),
    ("theory/two_layer.py", "2 * np.sqrt(2 / kappa)", "2 * np.sqrt(2.01 / kappa)", "ours-two-layer-cycle"),
    ("theory/two_layer.py", "1 + 8 * f / np.sinh(f)", "1 + 7 * f / np.sinh(f)", "ours-two-layer-cycle-repels"),
    ("theory/two_layer.py", "8 / rate - 1.5 * rate", "8 / rate - 1.4 * rate", "ours-slide-end"),
    ("theory/two_layer.py", "safe) * elasticity / excess", "safe) / excess", "ours-exponential-edge"),
    ("theory/two_layer.py", "fourth / (3 * h)", "fourth / (2 * h)", "ours-exit"),
    ("theory/_kernels.py", "carry + kappa * g * (scaled * g - 4 * f)", "carry + kappa * g * (scaled * g - 8 * f)",
     "ours-wide-phases"),
    # the parts of a data set and the outlier of chapter logistic-regression, the product vector of linear-networks
    ("datasets/decomposition.py", "solution.x[d:] > 0.5", "solution.x[d:] < 0.5", "ji-decomposition"),
    ("theory/outlier.py", "zeta = (first - second + 2", "zeta = (first + second + 2", "meng-stable-cycle"),
    ("theory/product_space.py", "c - 2 * eta * square * along", "c - eta * square * along", "ours-product-recursion"),
    # edges, invariants and the map of the plane of chapter catapult-squared
    ("theory/two_layer.py", "per_width: 4 / ntk,", "per_width: 3 / ntk,", "lewkowycz-convergence-edge"),
    ("theory/two_layer.py", "by_drop = 4 / ", "by_drop = 3 / ", "lewkowycz-first-rise"),
    ("theory/two_layer.py", "p, q = scaled + shift, scaled - shift", "p, q = scaled + shift, scaled - 2 * shift",
     "ours-product-formula"),
    ("theory/squared_plane.py", "return a * (1 + square - scaled)", "return a * (2 + square - scaled)",
     "ours-log-periodic"),
    ("theory/squared_plane.py", "np.roots([4, -36", "np.roots([5, -36", "ours-one-peak"),
    ("theory/squared_plane.py", "/ np.log(scaled - 1)", "/ np.log(scaled)", "lewkowycz-time-to-peak"),
    # the certificates of chapter certificates
    ("theory/certificates/_one_step.py", "(w / 2, rate / 8)", "(w / 2, rate / 9)", "huang-certified-rates"),
    ("theory/certificates/_cycles.py", "- 2 * centre) / slope", "- 2.1 * centre) / slope", "ours-certified-cycle"),
    ("theory/certificates/_cycles.py", "(-points[-1]).exp()) - arb(p))", "(-points[-1]).exp()) - arb(p) * 0.98)",
     "ours-certified-chaos"),
    ("theory/certificates/_two_layer.py", "/ (2 - most * low), high", "/ (2 - most * low), high * (1 - arb(2) ** -40)",
     "ours-certified-kernels"),
    ("theory/certificates/_two_layer.py", "    if not least_f > 0:\n        return False\n", "",
     "ours-certified-logistic"),
    ("theory/certificates/_rates.py", "= 1 + kg * g, g * (scaled * g", "= 2 + kg * g, g * (scaled * g",
     "ours-certified-logistic"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the library beside the same book."""
    root = tmp_path_factory.mktemp("copy").resolve()
    shutil.copytree(paths.LIBRARY, root / "lib" / "catapult", ignore=shutil.ignore_patterns("__pycache__"))
    for shared in (paths.BOOK, paths.TOC, paths.CONFIG):
        (root / shared.name).symlink_to(shared)
    # By hash: a mutation may have the size of what it replaces, and the second.
    compileall.compile_dir(root / "lib", quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return root


@pytest.fixture(scope="module")
def verify(copy):
    """Return a function that measures claims with the copy, in a process that has loaded no other: their statuses."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen([sys.executable, paths.ROOT / "tests" / "forking.py", copy], env=environment, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        def measured(names, status):
            print(json.dumps(["verify", *names, "--json"]), file=server.stdin, flush=True)
            assert server.stdout.readline() == f"{status}\n", (copy / "err").read_text()
            assert (copy / "err").read_text().startswith(f"{copy}\n"), "the copy is not the library that ran"
            return {row["id"]: row["status"] for row in json.loads((copy / "out").read_text())["claims"]}

        yield measured
        server.stdin.close()


def test_at_least_ten_mutations_and_the_untouched_copy_passes_every_row_they_turn_red(verify):
    rows = sorted({row for *_, row in MUTATIONS})
    assert len(MUTATIONS) >= 10
    assert verify(rows, 0) == dict.fromkeys(rows, "passed")


@pytest.mark.parametrize(("module", "before", "after", "row"), MUTATIONS)
def test_a_broken_library_turns_the_row_red(copy, verify, module, before, after, row):
    path = copy / "lib" / "catapult" / module
    source = path.read_text(encoding="utf-8")
    assert source.count(before) == 1
    path.write_text(source.replace(before, after), encoding="utf-8")
    try:
        assert verify([row], 1) == {row: "failed"}
    finally:
        path.write_text(source, encoding="utf-8")
