"""What makes a run citable: its RO-Crate and the table of where products come from."""
