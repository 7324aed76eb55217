"""The LDAP wire that every LDAP source shares: TLS, paging to the end, errors as sentences."""
