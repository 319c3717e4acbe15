"""Many photos as one job: which they are, where each result goes, what is done already, who does it."""
