"""Steps of training and of evaluation on each of Keras' backends."""
