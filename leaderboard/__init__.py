"""How do they compare? Intervals, curves, CSV, pages. Loads no model and no torch."""
