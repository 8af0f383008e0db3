"""Who is asked? Models, the reading loop, training, cost."""
