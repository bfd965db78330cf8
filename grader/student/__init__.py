"""What a student sees of a check: words, pictures, places in their own code. It judges nothing."""
