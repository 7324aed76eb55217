"""DECIDE again: campaigns over a frozen population, items, sign-off."""
