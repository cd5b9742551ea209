"""What looks after the house on its own clock, and who hears when something is wrong."""
