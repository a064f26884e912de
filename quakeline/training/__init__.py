"""Data sets of labelled records, and networks that are trained on them.

`datasets/` reads, writes, inspects and makes data sets; `windows`, `labels` and `augmentation` turn
records into what a network is trained with, `loop` trains, `scoring` counts what the result finds.
"""
