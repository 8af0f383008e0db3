"""Where is it hidden? Filler, placement, exact length, Parquet. No models."""
