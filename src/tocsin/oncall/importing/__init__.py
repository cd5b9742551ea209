"""Other tools' exports (the JSON of their APIs) as Tocsin's people, schedules and escalations."""
