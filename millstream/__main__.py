"""`python -m millstream` is the command."""

import sys

from millstream.cli import main

sys.exit(main())
