"""Data that comes with the project: the sample marketplace and the base maps."""
