"""OpenLDAP, and directories that keep to the same schemas."""
