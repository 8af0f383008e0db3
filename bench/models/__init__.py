"""The models that ship: baselines and recurrent readers, each behind the same protocol."""
