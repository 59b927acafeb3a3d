"""One module per picture. `picture(state)` declares the fixed parts, `columns(state)` returns the moving arrays."""
