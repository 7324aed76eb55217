"""The cast, builders, fakes and servers that the tests share."""
