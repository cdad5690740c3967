"""`python -m dhvt_vectorize` is `dhvt-vectorize`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
