"""The commands of `kflab`, a module for each group of them; what a command needs is imported when it runs."""
