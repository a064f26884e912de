"""Commands of the command line that do not need a workflow, one module each."""
