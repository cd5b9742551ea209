"""What a policy would do, and would have done: rehearsal, scenarios and replay on a virtual clock."""
