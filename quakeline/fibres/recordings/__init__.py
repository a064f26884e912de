"""Files of a fibre to prepared data on one absolute grid."""
