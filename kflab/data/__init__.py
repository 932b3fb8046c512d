"""Datasets: bundled, generated, Keras' own and files; their splits."""
