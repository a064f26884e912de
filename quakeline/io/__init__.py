"""Reading and writing of products: Parquet tables, Zarr stores, event files, provenance."""
