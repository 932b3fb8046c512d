"""From the document to Keras: build, shapes, parameters, summary; serves the lab over pipes."""
