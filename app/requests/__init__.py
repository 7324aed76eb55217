"""DECIDE together: ask, route, approve, refuse, delegate, cancel."""
