"""Commands, one a module: parse the arguments, call, print the result."""
