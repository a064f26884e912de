"""What kind of source an event had: earthquake, blast or noise, with probabilities.

`features` says what is known of an event, cut at its picks; `rules` weighs it by hand-set numbers.
A trained classifier takes the place of `rules` as a further `kind` of the section `classify`.
"""
