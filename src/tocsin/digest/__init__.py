"""From accepted bodies to incidents: episodes, verdicts, and what became of every alert and payload."""
