"""`python -m kinject` and the console script: one call into the command line."""

from kinject.cli import main

if __name__ == "__main__":
    main()
