"""Pictures in and out: read, write, compose."""
