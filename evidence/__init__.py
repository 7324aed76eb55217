"""Evidence that needs no trust: entries, proofs, signatures, bundles, and the check of them.

Nothing here knows the app, the web or a database. Verifying needs the standard library,
`cryptography` and, for the PDF and container signatures, `asn1crypto`.
"""
