"""What is asked? Facts, questions, right answers. No tokens, no filler, no models."""
