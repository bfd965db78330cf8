"""The commands, one file for each of their users' tasks. They parse, call and print; they decide nothing."""
