"""Stores: one contract (`ports.Store`), kept by each of them (tests/store/test_contract.py)."""
