"""ACT: who is told what, when, and the record of it."""
