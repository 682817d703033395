"""``python -m salesops`` is the command ``salesops``."""

from salesops.cli import main

raise SystemExit(main())
