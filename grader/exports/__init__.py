"""Marks and checks for other systems. Each module names the published format that it follows and knows no other."""
