"""The twenty bAbI tasks: stories without end, the official files, and a reader that proves the answers."""
