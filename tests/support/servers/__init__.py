"""Real servers for the tests: started in fixtures, on loopback, and stopped again."""
