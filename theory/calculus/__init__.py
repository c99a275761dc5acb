"""The aliasing calculus: typing rules on terms, the expanded form, frequency defects and witnesses."""
