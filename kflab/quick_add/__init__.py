"""Quick add: one typed line such as `conv2d 32 3 relu | maxpooling2d` understood as nodes."""
