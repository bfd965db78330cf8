"""The lectures, and what they share."""
