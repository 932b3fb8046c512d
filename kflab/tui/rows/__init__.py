"""The rows of the forms: what a person can change about a node, the data and the training."""
