"""Okta through its SDK: the SDK's request executor under our own limits, retries and paging."""
