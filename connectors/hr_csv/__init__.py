"""People as HR tells of them: a file with one line for each, read only, authoritative."""
