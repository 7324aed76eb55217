"""KNOW what a group means: owner, risk, who may ask for it, what is protected."""
