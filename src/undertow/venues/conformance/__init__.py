"""Test vectors run through the product's own public functions: ``undertow conform``."""
