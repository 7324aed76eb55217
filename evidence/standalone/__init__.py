"""The verifier of one file, published apart from the library."""
