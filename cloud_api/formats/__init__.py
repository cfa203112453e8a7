"""Tables as bytes: JSON, CSV, Arrow and Parquet, chosen by Accept, packed by Accept-Encoding."""
