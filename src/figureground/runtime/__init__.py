"""Running a model on a photo, without a training framework."""
