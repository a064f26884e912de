"""Double-difference relocation: differences of travel times, the inversion, its errors."""
