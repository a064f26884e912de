"""The stages of the workflow, one module each: `VERSION`, `Config`, `run()`; `table` lists them.

One name everywhere: rule, module, section of the configuration, test file. The keyword names of
`run()` are the names of the rule's inputs, outputs, wildcards and extra params. Only stages open
and write products.
"""
