"""A source whose state is a file: the reference, for the demonstration and for tests."""
