"""CIFAR-10 in its three forms: the archive of Python pickles, that of binary records, and a prefix of the records."""

import io
import pickle
import tarfile

import numpy as np

from labkit.data.readers import Arrays

_RECORD = 1 + 3 * 32 * 32  # label, then the red, green and blue planes
_BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}


def python(contents: list[bytes], split: str) -> Arrays:
    """cifar-10-python.tar.gz, unpacked by gzip: a pickled dictionary each batch."""
    batches = [_Unpickler(io.BytesIO(each), encoding="bytes").load() for each in _members(contents[0], split, "")]
    images = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    return images, np.concatenate([batch[b"labels"] for batch in batches])


def binary(contents: list[bytes], split: str) -> Arrays:
    """cifar-10-binary.tar.gz, unpacked by gzip: 10,000 records each batch."""
    return prefix([b"".join(_members(contents[0], split, ".bin"))], split)


def prefix(contents: list[bytes], split: str) -> Arrays:
    """Binary records, however many."""
    (content,) = contents
    if not content or len(content) % _RECORD:
        raise ValueError(f"records of {_RECORD} bytes were wanted, {len(content):,} bytes are no whole number of them")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _members(content: bytes, split: str, ending: str) -> list[bytes]:
    """The batches of a split, in their order, without writing a file."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        by_name = {member.name.rpartition("/")[2]: member for member in archive.getmembers() if member.isfile()}
        missing = [name for name in _BATCHES[split] if name + ending not in by_name]
        if missing:
            raise ValueError(f"the archive has no {', '.join(missing)}")
        batches = (archive.extractfile(by_name[name + ending]) for name in _BATCHES[split])
        return [batch.read() for batch in batches if batch]


class _Unpickler(pickle.Unpickler):
    """Makes arrays and nothing else: a pickle of a stranger could otherwise run any code."""

    _KNOWN = {
        "_reconstruct": np.empty(0).__reduce__()[0],  # its module's name differs from one numpy to the next
        "ndarray": np.ndarray,
        "dtype": np.dtype,
        "encode": lambda text, code: text.encode(code),  # how Python 3 writes bytes for Python 2
    }

    def find_class(self, module: str, name: str) -> object:
        if name in self._KNOWN:  # whatever the module says, it gets one of these four
            return self._KNOWN[name]
        raise pickle.UnpicklingError(f"a batch holds arrays only, this one asks for {module}.{name}")
