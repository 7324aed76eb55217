"""DECIDE what should be: the register of decided rights and of their ends."""
