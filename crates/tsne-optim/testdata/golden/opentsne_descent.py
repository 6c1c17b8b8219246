#!/usr/bin/env python3
"""Writes opentsne_descent.json: gradient descents of openTSNE 1.0.4, to compare ours with.

    python3 -m venv venv
    venv/bin/pip install openTSNE==1.0.4 numpy==2.4.6 scipy==1.17.1
    venv/bin/python opentsne_descent.py ../../../tsne-testkit/data/digits.csv opentsne_descent.json

Every case starts from the same P and positions. openTSNE computes repulsion by its Barnes-Hut tree at theta = 0, which
sums over all pairs unless a point lies within 1e-6 of the center of mass of a node in every coordinate: such a point is
absorbed and forgotten. So the start is a hundred times wider than usual, and at every iteration of every case the tree's
forces are compared here with sums over all pairs.

At a learning rate of 200 and growing gains the descent is chaotic: two that start 1e-15 apart have nothing in common
after a hundred iterations, and no two programs add in the same order. Therefore both sides round positions, velocity
and gains to multiples of 2^-12 after every tenth iteration but the last. That changes the path by little and makes it
the same path: differences of 1e-12 are rounded away before they grow. It fails only if a value lies so close to the
middle between two multiples that both sides round it differently; the smallest distance from a middle is recorded, and
asserted to be far above the differences between openTSNE and the descent written down here from docs/math.md.
"""

import json
import platform
import sys

import numpy as np
import openTSNE
import scipy
from openTSNE import _tsne
from openTSNE.quad_tree import QuadTree
from openTSNE.tsne import gradient_descent, kl_divergence_bh
from scipy.sparse import csr_matrix

N = 200
PERPLEXITY = 30
K = 90
LOG2_SCALE = 30
START_SCALE = 1e-2
SEED = 20260901
KL_EVERY = 50
ROUND_EVERY = 10
LOG2_UNIT = 12
EARLY = {"n_iter": 250, "exaggeration": 12, "momentum": 0.5}
LATE = {"n_iter": 500, "exaggeration": 1, "momentum": 0.8}
CASES = [
    {"name": "defaults", "dof": 1, "max_grad_norm": None, "max_step_norm": 5, "phases": [EARLY, LATE]},
    {"name": "heavier tails", "dof": 0.8, "max_grad_norm": None, "max_step_norm": 5, "phases": [EARLY, LATE]},
    {
        "name": "exaggeration kept, gradients and steps bounded",
        "dof": 1,
        "max_grad_norm": 2e-2,
        "max_step_norm": 1,
        "phases": [EARLY, LATE | {"exaggeration": 2}],
    },
]


def conditional(d2, perplexity):
    """One row of [M1] at the perplexity asked for [M2], by bisection in ln(beta)."""
    d2 = d2 - d2.min()
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        weights = np.exp(-np.exp(middle) * d2)
        p = weights / weights.sum()
        entropy = np.log(weights.sum()) + np.exp(middle) * (p * d2).sum()
        low, high = (middle, high) if entropy > np.log(perplexity) else (low, middle)
    assert abs(np.exp(entropy) - perplexity) < 1e-10
    return p


def joint(x):
    """P of [M4] over exact neighbors, ties by index, rounded to multiples of 2^-30 that sum to 1 exactly.

    Rounded, because integers are short to write and exact in every program; the mean entry is about 50 000 of them.
    """
    n = len(x)
    d2 = ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2)
    assert (d2 == np.round(d2)).all(), "pixels are integers, so distances are exact"
    assert d2[~np.eye(n, dtype=bool)].min() > 0, "duplicates would meet in the map and be absorbed by the tree"
    np.fill_diagonal(d2, np.inf)
    c = np.zeros((n, n))
    for i in range(n):
        neighbors = np.argsort(d2[i], kind="stable")[:K]
        c[i, neighbors] = conditional(d2[i, neighbors], PERPLEXITY)
    scaled = (c + c.T) / (2 * n) * 2**LOG2_SCALE
    integers = np.round(scaled).astype(np.int64)
    left = 2**LOG2_SCALE - integers.sum()
    i, j = np.unravel_index(np.argmax(integers), integers.shape)
    assert left % 2 == 0 and abs(left) < 1e-3 * integers[i, j]
    integers[i, j] += left // 2
    integers[j, i] += left // 2
    assert integers.sum() == 2**LOG2_SCALE and (integers == integers.T).all()
    return integers


def pairs(y, dof):
    """Un-normalized repulsion and Z by [M5], [M7], [M8], and s, from sums over all pairs."""
    difference = y[:, None, :] - y[None, :, :]
    s = 1 / (1 + (difference**2).sum(axis=2) / dof)
    w = s**dof
    np.fill_diagonal(w, 0)
    return ((s * w)[:, :, None] * difference).sum(axis=1), w.sum(), s, difference


def tree(y, dof):
    """The same by openTSNE at theta = 0: the normalized repulsive part of its gradient, and Z."""
    gradient = np.zeros_like(y)
    z = _tsne.estimate_negative_gradient_bh(
        QuadTree(y), y, gradient, theta=0, dof=dof, num_threads=1, pairwise_normalization=True
    )
    return gradient, z


def divergence(p, y, dof):
    """KL of [M6]."""
    _, z, s, _ = pairs(y, dof)
    some = p > 0
    return (p[some] * (np.log(p[some]) - dof * np.log(s[some]))).sum() + np.log(z)


class Descent:
    """[M11], written down once more."""

    def __init__(self, y, p, case):
        self.y, self.p, self.case = y.copy(), p, case
        self.velocity, self.gains = np.zeros_like(y), np.ones_like(y)
        self.gradients_cut = self.steps_cut = 0

    def step(self, exaggeration, momentum, learning_rate):
        forces, z, s, difference = pairs(self.y, self.case["dof"])
        gradient = exaggeration * ((self.p * s)[:, :, None] * difference).sum(axis=1) - forces / z
        if self.case["max_grad_norm"] is not None:
            factor = self.case["max_grad_norm"] / (np.linalg.norm(gradient, axis=1) + 1e-6)
            self.gradients_cut += (factor < 1).sum()
            gradient *= np.minimum(factor, 1)[:, None]
        unequal = np.sign(self.velocity) != np.sign(gradient)
        self.gains = np.where(unequal, self.gains + 0.2, 0.8 * self.gains + 0.01)
        self.velocity = momentum * self.velocity - learning_rate * self.gains * gradient
        if self.case["max_step_norm"] is not None:
            norm = np.linalg.norm(self.velocity, axis=1)
            cut = norm > self.case["max_step_norm"]
            self.steps_cut += cut.sum()
            self.velocity[cut] *= (self.case["max_step_norm"] / norm[cut])[:, None]
        self.y += self.velocity
        self.y -= self.y.mean(axis=0)


def relative(got, want):
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


def rounded(values):
    """To multiples of 2^-12, in place; returns the smallest distance from the middle between two multiples."""
    scaled = values * 2.0**LOG2_UNIT
    values[...] = np.round(scaled) * 2.0**-LOG2_UNIT
    return np.abs(np.abs(scaled - np.round(scaled)) - 0.5).min() * 2.0**-LOG2_UNIT


def run(case, p_sparse, start):
    """Descends by openTSNE and by [M11], iteration by iteration; returns openTSNE's figures and how far ours differ."""
    learning_rate = max(200, N / 12)
    optimizer = gradient_descent()  # one object, so that velocity and gains survive between its calls
    y, p = start.copy(), p_sparse.copy()
    ours = Descent(start, p_sparse.toarray(), case)
    kl, early_tree, tree_error, kl_error, difference, margin, iteration = [], 0.0, 0.0, 0.0, 0.0, np.inf, 0
    for phase in case["phases"]:
        for _ in range(phase["n_iter"]):
            forces, z = tree(y, case["dof"])
            exact, exact_z, _, _ = pairs(y, case["dof"])
            tree_error = max(tree_error, relative(-forces, exact / exact_z), abs(z / exact_z - 1))
            error, y = optimizer(
                y,
                p,
                n_iter=1,
                objective_function=kl_divergence_bh,
                learning_rate=learning_rate,
                momentum=phase["momentum"],
                exaggeration=phase["exaggeration"],
                dof=case["dof"],
                max_grad_norm=case["max_grad_norm"],
                max_step_norm=case["max_step_norm"],
                theta=0,
                n_jobs=1,
            )
            ours.step(phase["exaggeration"], phase["momentum"], learning_rate)
            iteration += 1
            state = [y, optimizer.update, optimizer.gains]
            our_state = [ours.y, ours.velocity, ours.gains]
            difference = max(difference, *(np.abs(a - b).max() for a, b in zip(state, our_state)))
            if iteration == 10:
                early_tree, early_difference, after_10 = tree_error, relative(ours.y, y), y.tolist()
            if iteration % KL_EVERY == 0:
                kl.append(float(error))
                kl_error = max(kl_error, abs(divergence(ours.p, ours.y, case["dof"]) / error - 1))
            if iteration % ROUND_EVERY == 0 and iteration < sum(phase["n_iter"] for phase in case["phases"]):
                margin = min(margin, *(rounded(values) for values in state))
                for values in our_state:
                    rounded(values)
                unlike = max(np.abs(a - b).max() for a, b in zip(state, our_state))
                assert unlike == 0, f"{case['name']}: rounded apart by {unlike} after iteration {iteration}"
    assert (p != p_sparse).nnz == 0, "exaggeration left P as it was"
    checks = {
        "tree_error_first_10": float(early_tree),
        "tree_error": float(tree_error),
        "position_difference_after_10": early_difference,
        "largest_difference_of_state": float(difference),
        "smallest_distance_from_a_middle": float(margin),
        "largest_kl_difference": float(kl_error),
        "gradients_cut": int(ours.gradients_cut),
        "steps_cut": int(ours.steps_cut),
    }
    print(case["name"], checks, [round(kl, 4) for kl in kl])
    assert early_tree < 1e-12 and tree_error < 1e-11, "openTSNE's tree left somebody out"
    assert early_difference < 1e-11 and kl_error < 1e-9
    assert margin > 100 * difference, "a value lies too near a middle"
    return case | {
        "learning_rate": learning_rate,
        "positions_after_10": after_10,
        "kl_every": KL_EVERY,
        "kl": kl,
        "final_positions": y.tolist(),
        "checks": checks,
    }


def rows_of_numbers(value, indent=0):
    """JSON with long arrays of numbers on one line each."""
    pad = " " * indent
    if isinstance(value, dict):
        inner = ",\n".join(f'{pad} {json.dumps(k)}: {rows_of_numbers(v, indent + 1)}' for k, v in value.items())
        return f"{{\n{inner}\n{pad}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        inner = ",\n".join(f"{pad} {rows_of_numbers(v, indent + 1)}" for v in value)
        return f"[\n{inner}\n{pad}]"
    return json.dumps(value, separators=(",", ":"))


def main(digits, output):
    assert openTSNE.__version__ == "1.0.4", openTSNE.__version__
    x = np.loadtxt(digits, delimiter=",", skiprows=1)[:N, :64]
    integers = joint(x)
    p = csr_matrix(integers * 2.0**-LOG2_SCALE)
    start = np.random.default_rng(SEED).normal(0, START_SCALE, (N, 2))
    start -= start.mean(axis=0)
    upper = csr_matrix(np.triu(integers))
    golden = {
        "provenance": {
            "script": "opentsne_descent.py",
            "openTSNE": openTSNE.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "python": platform.python_version(),
            "data": f"the first {N} digits of digits.csv",
            "theta": 0,
        },
        "n_points": N,
        "perplexity": PERPLEXITY,
        "k": K,
        "p": {
            "log2_unit": -LOG2_SCALE,
            "offsets": upper.indptr.tolist(),
            "columns": upper.indices.tolist(),
            "values": upper.data.tolist(),
        },
        "round_every": ROUND_EVERY,
        "log2_unit_of_rounding": -LOG2_UNIT,
        "start": start.tolist(),
        "cases": [run(case, p, start) for case in CASES],
    }
    with open(output, "w") as file:
        file.write(rows_of_numbers(golden) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
