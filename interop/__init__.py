"""How is it used from elsewhere? Our data sets, models and runs in the harnesses that others wrote."""
