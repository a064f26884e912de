"""What kind of source an event had, with probabilities.

`features` says what is known of an event, cut at its picks; `rules` weighs it by hand-set numbers.
`windows` asks a network around each P, placed as `placing` says; `stations` puts together what it
said of the stations of an event.
"""
