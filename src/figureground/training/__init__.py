"""Training: one task file per kind of system, one loop for all (`fit`)."""
