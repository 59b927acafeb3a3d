"""What pages and pictures call the entries of each registry.

Links, Python and the command line use the names of the registries. A user's own entry is called by its name.
"""

from collections.abc import Iterable, Mapping

ESTIMATORS = {
    "iwae": "IWAE (plain gradient)",
    "stl": "STL (sticking the landing)",
    "dreg": "DReG (doubly reparameterised)",
    "rws": "RWS (wake-sleep)",
    "rws-dreg": "RWS-DReG (wake-sleep, paths)",
    "dreg-norm": "DReG-norm (weights sum to 1)",
    "rws-dreg-norm": "RWS-DReG-norm (sum to 1)",
    "dreg-alpha": "DReG-alpha (mixture)",
    "jk": "JK (jackknife bound)",
    "jk-dreg": "JK-DReG (jackknife, paths)",
    "dreg-cv": "DReG-CV (control variates)",
    "vae": "VAE (gradient of the ELBO)",
    "vimco": "VIMCO (scores only)",
}
KERNELS = {
    "rbf": "Gaussian (rbf)",
    "imq": "Inverse multiquadric (imq)",
    "matern32": "Matérn 3/2 (matern32)",
    "linear": "Linear",
    "sum": "Sum of three Gaussians",
    "per-dimension": "Per dimension",
    "preconditioned": "Preconditioned",
}
REMEDIES = KERNELS | {"wide": "Wide Gaussian", "rbf, 4n": "Gaussian, 4n particles"}
BANDWIDTHS = {
    "median": "Median",
    "paper": "Paper's rule",
    "median-subsampled": "Median of 256 particles",
    "median-lagged": "Median, every tenth step",
    "fixed": "Fixed",
}
OPTIMIZERS = {"adagrad": "Adagrad", "adam": "Adam", "plain": "Plain steps"}
TARGETS = {
    "mixture": "Mixture on a line",
    "normal": "Normal in D dimensions",
    "standard": "Standard normal in the plane",
    "correlated": "Correlated normal",
    "mixture2d": "Three modes in the plane",
    "banana": "Banana",
    "donut": "Ring (donut)",
    "funnel": "Neal's funnel",
    "squiggle": "Wavy normal (squiggle)",
    "double_banana": "Double banana",
    "sine": "Sine band",
    "star": "Star",
    "x": "Cross (x)",
    "logistic": "Logistic regression",
    "formula": "Your formula",
    "drawn": "Your drawing",
}
TEMPERS = {"none": "None", "linear": "Linear", "cyclical": "Cyclical"}
STARTS = {"normal": "Normal", "uniform": "Uniform", "target": "The target"}
FEATURES = {"linear": "Linear", "quadratic": "Quadratic", "bumps": "Bumps"}
LABELLED = {
    "two blobs": "Two blobs",
    "two moons": "Two moons",
    "rings": "Rings",
    "a checkerboard": "Checkerboard",
    "two points": "Two points",
}
CURVES = {"sine with a gap": "Sine with a gap", "cubic": "Cubic", "step": "Step", "few points": "Few points"}
CORRELATIONS = {"independent": "Independent coordinates", "correlated": "Correlated coordinates"}
DATA = {
    "digits": "8 × 8 digits",
    "mnist": "MNIST",
    "binarized_mnist": "MNIST, black and white",
    "omniglot": "Omniglot (letters)",
    "silhouettes": "Silhouettes",
    "cifar10": "CIFAR-10",
    "svhn": "SVHN (house numbers)",
    "fashion_mnist": "Fashion-MNIST",
}
NETWORKS = {
    "draw-paper": "MNIST, 64 glimpses (draw-paper)",
    "draw-small": "MNIST, 10 glimpses (draw-small)",
    "draw-small-full": "No attention (draw-small-full)",
    "draw-small-labels": "MNIST by class (draw-small-labels)",
    "draw-digits": "8 × 8 digits (draw-digits)",
    "vae-mnist": "VAE on MNIST (vae-mnist)",
}


def offered(names: Iterable[str], titles: Mapping[str, str]) -> dict[str, str]:
    """Return title -> name for a list of choices, in the order of the names."""
    found: dict[str, str] = {}
    for name in names:
        title = titles.get(name, name)
        found[title if title not in found else f"{title} (your own)"] = name
    return found


def short(title: str) -> str:
    """Return a title without the words in parentheses at its end, for legends."""
    return title.split(" (")[0]


def estimator(name: str) -> str:
    """Return what legends and sentences call an estimator."""
    return short(ESTIMATORS.get(name, name))


def remedy(name: str) -> str:
    """Return what legends and sentences call a kernel or a remedy."""
    return short(REMEDIES.get(name, name))
