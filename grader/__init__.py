"""The examination of numeric code. Knows no convolution, no assignment."""
