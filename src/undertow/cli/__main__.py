"""``python -m undertow.cli`` does what ``undertow`` does."""

from undertow.cli import main

main()
