"""Stories of the tab *Particles*: the settings of each, and what to look for."""

from typing import Any

PRESETS: dict[str, tuple[dict[str, Any], str]] = {
    "The paper's figure": (
        {},
        "A hundred particles start far from both modes (peaks), as in figure 1 of Liu & Wang (2016). The drive moves "
        "them to the nearer mode. The repulsion pushes some of them on to the other. The grey lines are earlier steps: "
        "0, 50, 75, 100, 150 and 500.",
    ),
    "One particle finds a peak": (
        {"n": 1},
        "A single particle has no neighbours, so φ is the score ∇log p itself. The particle climbs to the nearest peak "
        "of p and stays there. Here this is the lower of the two peaks. If p is a posterior, such a peak is called a "
        "local MAP (maximum a posteriori) estimate. More particles show more of the density.",
    ),
    "Too wide a kernel": (
        {"bandwidth": "fixed", "length": 20.0},
        "The bandwidth h is far wider than the target, so the same average force acts on every particle. The "
        "particles move as one block and do not spread. Lower h and watch the two modes appear.",
    ),
    "A far mode": (
        {"means": [-7.0, 7.0], "weights": [1 / 3, 2 / 3], "begin_mean": -7.0},
        "The two modes are 14 units apart, and the density between them is almost zero. The kernel does not reach "
        "across, so the heavier mode stays empty. KSD is low all the same. Try linear tempering with ε = 1, or the "
        "uniform start.",
    ),
    "Collapse": (
        {"target": "normal", "shape": {"dim": 20}, "begin": "normal", "begin_mean": 0.0, "begin_scale": 1.0},
        "In 20 dimensions all distances are about equal, and the repulsion becomes weak. The particles start with the "
        "right variance, then shrink to a fifth of it. Switch the kernel to “Per dimension”: they spread again.",
    ),
    "A banana": (
        {"target": "banana", "begin_mean": 0.0, "begin_scale": 1.0, "n": 200, "step_size": 0.03},
        "Blue arrows show the drive: it holds the particles on the ridge. Purple arrows show the repulsion: it spreads "
        "them along the ridge. When the particles have settled, the two cancel at every particle.",
    ),
    "Breast cancer posterior": (
        {"target": "logistic", "begin_mean": 0.0, "begin_scale": 0.1, "n": 50},
        "Every particle is one logistic regression, fitted to real data. It has 30 weights, a bias and a prior "
        "precision (how small the weights should be). Watch the accuracy on patients that were held out.",
    ),
}
WITH_ARROWS = ("A banana",)  # stories that mention the arrows
