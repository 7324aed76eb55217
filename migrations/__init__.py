"""The history of the schema, up and down, on both stores."""
