"""The command line: Invoke's, with tasks by subject, completion of names, and JSON for scripts."""

import sys

# Invoke leaves no compiled files of what it loads: all of ours would be compiled anew at each use.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
