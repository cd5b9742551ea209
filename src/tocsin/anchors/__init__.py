"""Signed heads of the audit trail, made by a process of its own and kept outside of this machine."""
