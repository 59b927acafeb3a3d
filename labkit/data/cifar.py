"""CIFAR-10 is read in three forms: an archive of Python pickles, an archive of binary records, and first records."""

import io
import pickle
import tarfile

import numpy as np

from labkit.data.readers import Arrays

_RECORD = 1 + 3 * 32 * 32  # one label, then the red, green and blue planes
_BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}


def python(contents: list[bytes], split: str) -> Arrays:
    """Read cifar-10-python.tar.gz, unpacked by gzip: one pickled dictionary per batch."""
    batches = [_Unpickler(io.BytesIO(each), encoding="bytes").load() for each in _members(contents[0], split, "")]
    images = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    return images, np.concatenate([batch[b"labels"] for batch in batches])


def binary(contents: list[bytes], split: str) -> Arrays:
    """Read cifar-10-binary.tar.gz, unpacked by gzip: 10,000 records per batch."""
    return prefix([b"".join(_members(contents[0], split, ".bin"))], split)


def prefix(contents: list[bytes], split: str) -> Arrays:
    """Read any number of binary records."""
    (content,) = contents
    if not content or len(content) % _RECORD:
        raise ValueError(f"the file must have records of {_RECORD} bytes, got {len(content):,} bytes in all")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _members(content: bytes, split: str, ending: str) -> list[bytes]:
    """Return the batches of a split, in their order, without writing a file."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        by_name = {member.name.rpartition("/")[2]: member for member in archive.getmembers() if member.isfile()}
        missing = [name for name in _BATCHES[split] if name + ending not in by_name]
        if missing:
            raise ValueError(f"the archive has no {', '.join(missing)}")
        batches = (archive.extractfile(by_name[name + ending]) for name in _BATCHES[split])
        return [batch.read() for batch in batches if batch]


class _Unpickler(pickle.Unpickler):
    """An unpickler that makes only arrays, because a pickle from an unknown source could run any code."""

    _KNOWN = {
        "_reconstruct": np.empty(0).__reduce__()[0],  # the name of its module depends on the version of numpy
        "ndarray": np.ndarray,
        "dtype": np.dtype,
        "encode": lambda text, code: text.encode(code),  # how Python 3 writes bytes for Python 2
    }

    def find_class(self, module: str, name: str) -> object:
        if name in self._KNOWN:  # for any module name, it gets one of these four
            return self._KNOWN[name]
        raise pickle.UnpicklingError(f"a batch may hold only arrays, this one needs {module}.{name}")
