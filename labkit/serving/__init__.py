"""The server of the pages: the list of pages, addresses, headers and settings, all in one process.

`server.serve()` starts it. A page reads `settings.device`. `pages.listing()` returns the existing pages.
"""
