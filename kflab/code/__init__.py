"""Code out: an experiment as a Keras script or notebook that runs without kflab."""
