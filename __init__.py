"""rmt-bench: how far does a model that reads in segments really remember?"""
