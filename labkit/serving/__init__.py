"""One process that serves the pages: the list of pages, the server, its addresses, headers and settings.

`server.serve()` serves; a page reads `settings.device`; `pages.listing()` tells which pages exist.
"""
