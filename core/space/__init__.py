"""Where things happen: H3 cells, boundaries and hot spots."""
