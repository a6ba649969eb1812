"""Durable records, behind one narrow door."""
