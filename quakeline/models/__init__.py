"""Networks, their cards (what each weight set expects) and their weights."""
