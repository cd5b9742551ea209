"""What is said and to whom: composed once, owed to many, sent at each provider's pace."""
