"""The account of each session: how many steps its runs have taken, and how many they may take."""

from weakref import WeakKeyDictionary

from bokeh.document import Document

from labkit.engine_account import Account

_accounts: WeakKeyDictionary[Document, Account] = WeakKeyDictionary()


def start(document: Document, account: Account) -> None:
    """Make the runs of a session, which show themselves on this document, share an account."""
    _accounts[document] = account


def of(document: Document | None) -> Account:
    """Return the account of a session; in a notebook, and where none was started, a new one without limits."""
    return _accounts.get(document) or Account() if document else Account()
