"""The command line: one small file a command group, thin like a route."""
