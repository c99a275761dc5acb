"""The census: every layer of the language decided, certified and checked, block by block."""
