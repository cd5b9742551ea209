"""Schedules in files: a form to write them in, and to test them with what they should say."""
