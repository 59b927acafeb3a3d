"""One module a method: `picture(state)` declares what stands still, `columns(state)` gives what moves."""
