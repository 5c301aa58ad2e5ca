"""A small study that is killed, cut off from its disk and damaged, to see that it ends as one that was left alone."""
