"""The guide's commands, run on the machine of the person who asked for it. The server runs none."""
