"""Incidents in chats and trackers: what people say there, and what is kept up to date there."""
