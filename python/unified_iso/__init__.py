"""unified-iso: US electricity market prices as one tested Parquet dataset."""
