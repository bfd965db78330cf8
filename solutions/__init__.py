"""The reference: plain array functions, one file a topic. Knows no grader."""
