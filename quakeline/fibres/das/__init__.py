"""Distributed acoustic sensing: networks applied to fibre data, patch by patch.

The interface follows that of the DAS models of SeisBench; see docs/das.md.
"""
