"""What the model of a run says of samples; a process of its own computes it, the rest is plain Python."""
