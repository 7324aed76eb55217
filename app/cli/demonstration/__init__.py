"""The demonstration company: who they are (`company`), what happened to them (`story`)."""
