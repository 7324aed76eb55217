"""KNOW what is: sources, sync runs, identities, accounts, groups, memberships over time."""
