"""Batch systems that Snakemake has no fitting plug-in for: Grid Engine, PBS, LSF and Kubernetes.

Snakemake's cluster-generic plug-in calls `python -m quakeline.workflow.queues` to submit a job and
to ask for its state. A job leaves its exit code in a file of the shared folder, so that no system's
accounting has to be readable; the system itself is asked only whether it still knows the job.
"""
