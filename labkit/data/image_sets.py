"""The image sets by name, with the checksums and addresses of their files.

Checksums come from the bytes of the files or from public loaders. With `confirmed=False`, labkit was not tested with
the file, and the value comes from a single loader or is uncertain.
"""

from labkit.data import cifar, readers
from labkit.data.entries import File, Set, Source


def _mnist(stem: str, size: int, md5: str, unpacked_md5: str) -> File:
    name = f"{stem}-ubyte.gz"
    bases = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )
    return File(name, md5, unpacked_md5, tuple(base + name for base in bases), size)


def _fashion(name: str, size: int, md5: str, confirmed: bool) -> File:
    bases = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    )
    return File(name, md5, urls=tuple(base + name for base in bases), size=size, confirmed=confirmed)


def _binarized(split: str, size: int, md5: str) -> File:
    name = f"binarized_mnist_{split}.amat"
    base = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"
    return File(name, md5, md5, (base + name,), size)


def _svhn(split: str, size: int, md5: str) -> File:
    name = f"{split}_32x32.mat"
    return File(name, md5, urls=(f"http://ufldl.stanford.edu/housenumbers/{name}",), size=size)


def _cifar(name: str, size: int, md5: str) -> tuple[File]:
    return (File(name, md5, urls=(f"https://www.cs.toronto.edu/~kriz/{name}",), size=size),)


_CHARDATA = File(
    "chardata.mat",
    "21ecaf34373511aa7691cf2e0802aa3d",
    urls=(
        "https://github.com/yburda/iwae/raw/master/datasets/OMNIGLOT/chardata.mat",
        "https://raw.githubusercontent.com/yburda/iwae/master/datasets/OMNIGLOT/chardata.mat",
    ),
)
_DERIVED = File("omniglot_28x28_derived.npz", "b9f9eee24465b5a4cf63ef1b8c04f4a4", size=3013509)
_SILHOUETTES = File(
    "caltech101_silhouettes_28_split1.mat",
    "4483e9c14b188fd09937f9ea6f9ea777",  # from one public loader
    urls=("https://people.cs.umass.edu/~marlin/data/caltech101_silhouettes_28_split1.mat",),
    confirmed=False,
)
_CIFAR_PYTHON = _cifar("cifar-10-python.tar.gz", 170498071, "c58f30108f718f92721af3b95e74349a")
_CIFAR_BINARY = _cifar("cifar-10-binary.tar.gz", 0, "c32a1d4ab5d03f1284b67883e8d87530")
_CIFAR_PREFIX = {
    "train": (File("data_batch_1_first4000.bin.gz", unpacked_md5="07704ae233cc40e200a600eed4f4e13c"),),
    "test": (File("test_batch_first1000.bin.gz", unpacked_md5="371f65da31ad652f5e24b3699a3e6515"),),
}
_MNIST = {
    "train": (
        _mnist("train-images-idx3", 9912422, "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
        _mnist("train-labels-idx1", 28881, "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    ),
    "test": (
        _mnist("t10k-images-idx3", 1648877, "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        _mnist("t10k-labels-idx1", 4542, "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    ),
}
_FASHION = {
    "train": (
        _fashion("train-images-idx3-ubyte.gz", 26421880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", confirmed=False),
        _fashion("train-labels-idx1-ubyte.gz", 29515, "25c81989df183df01b3e8a0aad5dffbe", confirmed=True),
    ),
    "test": (
        _fashion("t10k-images-idx3-ubyte.gz", 4422102, "bef4ecab320f06d8554ea6380940ec79", confirmed=False),
        _fashion("t10k-labels-idx1-ubyte.gz", 5148, "bb300cfdad3c16e7a12a480ee83cd310", confirmed=True),
    ),
}
_BINARIZED = {
    "train": (_binarized("train", 78400000, "db28b1a6ae0fe70cbd3da91acf46e477"),),
    "valid": (_binarized("valid", 15680000, "bf37822a04e94123630de6a7dfd9c9ef"),),
    "test": (_binarized("test", 15680000, "14e41ae11040adba6ab8cb291eda0dd8"),),
}
_SVHN = {
    "train": (_svhn("train", 182040794, "e26dedcc434d2e4c54c9b2d4a06d8373"),),
    "test": (_svhn("test", 64275384, "eb5a983be6a315427106f1b164d9cef3"),),
}


def _both(files: tuple[File, ...]) -> dict[str, tuple[File, ...]]:
    return {"train": files, "test": files}


SETS: dict[str, Set] = {
    "digits": Set(
        "handwritten digits of scikit-learn",
        (1, 8, 8),
        {"train": 1437, "test": 360},
        "grey",
        "UCI optical recognition of handwritten digits, CC BY 4.0",
        (Source(_both(()), readers.digits, note="comes with scikit-learn", keep=False),),
    ),
    "mnist": Set(
        "MNIST handwritten digits",
        (1, 28, 28),
        {"train": 60000, "test": 10000},
        "grey",
        "LeCun, Cortes and Burges, CC BY-SA 3.0",
        (Source(_MNIST, readers.idx, keep=False),),
    ),
    "binarized_mnist": Set(
        "MNIST binarised once (Larochelle)",
        (1, 28, 28),
        {"train": 50000, "valid": 10000, "test": 10000},
        "fixed",
        "made from MNIST (CC BY-SA 3.0); no labels, no separate terms",
        (Source(_BINARIZED, readers.amat),),
    ),
    "omniglot": Set(
        "Omniglot characters, 28x28 (IWAE)",
        (1, 28, 28),
        {"train": 24345, "test": 8070},
        "grey",
        "Lake et al. 2015, MIT; labels are the 50 alphabets",
        (
            Source(_both((_CHARDATA,)), readers.omniglot),
            Source(
                _both((_DERIVED,)),
                readers.omniglot_derived,
                note="own resize, not the IWAE file",
                warning="images resized by labkit and split by background and evaluation alphabets, NOT the "
                "file of the IWAE papers; state this with every result",
                keep=False,
            ),
        ),
    ),
    "silhouettes": Set(
        "Caltech-101 silhouettes, 28x28",
        (1, 28, 28),
        {"train": 4100, "valid": 2264, "test": 2307},
        "fixed",
        "no licence stated; cite Marlin et al. 2010",
        (Source(dict.fromkeys(("train", "valid", "test"), (_SILHOUETTES,)), readers.silhouettes),),
    ),
    "cifar10": Set(
        "CIFAR-10 photographs",
        (3, 32, 32),
        {"train": 50000, "test": 10000},
        "grey",
        "no licence stated; cite Krizhevsky 2009",
        (
            Source(_both(_CIFAR_PYTHON), cifar.python),
            Source(_both(_CIFAR_BINARY), cifar.binary),
            Source(
                _CIFAR_PREFIX,
                cifar.prefix,
                note="prefix: first 4,000 / 1,000",
                warning="only the first images of the set; state this with every result",
                keep=False,
            ),
        ),
    ),
    "svhn": Set(
        "Street View house numbers",
        (3, 32, 32),
        {"train": 73257, "test": 26032},
        "grey",
        "Netzer et al. 2011, non-commercial use only",
        (Source(_SVHN, readers.svhn),),
    ),
    "fashion_mnist": Set(
        "Fashion-MNIST clothes",
        (1, 28, 28),
        {"train": 60000, "test": 10000},
        "grey",
        "Zalando Research, MIT",
        (Source(_FASHION, readers.idx, keep=False),),
    ),
}
