"""The stages of the workflow, one module each: `VERSION`, `Config`, `run()`.

One name everywhere: rule, module, section of the configuration, test file. The keyword names of
`run()` are the names of the rule's inputs, outputs, wildcards and extra params. Only stages open
and write products.
"""

from types import ModuleType

from quakeline.stages import (
    annotate,
    associate,
    classify,
    crate,
    das_annotate,
    das_index,
    das_pick,
    das_weights,
    evaluate,
    fetch,
    import_picks,
    locate,
    magnitude,
    measure,
    merge,
    pick,
    prepare,
    report,
    stations,
    weights,
)

STAGES: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        stations,
        fetch,
        prepare,
        weights,
        annotate,
        pick,
        das_weights,
        das_index,
        das_annotate,
        das_pick,
        measure,
        import_picks,
        associate,
        locate,
        magnitude,
        classify,
        merge,
        evaluate,
        report,
        crate,
    )
}
