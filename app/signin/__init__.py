"""KNOW who somebody is and may be: API tokens and roles."""
