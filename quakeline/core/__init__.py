"""What every room stands on: errors, times, schemas, reasons, bases of sections."""
