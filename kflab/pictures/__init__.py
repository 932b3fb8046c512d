"""What is drawn of data in a terminal: cells of characters and colours, from plain values."""
