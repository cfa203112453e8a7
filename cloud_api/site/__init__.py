"""The plant as its people call it: name, shifts, and how long its data are kept."""
