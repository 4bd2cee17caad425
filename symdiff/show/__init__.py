"""Pictures that need no other program."""
