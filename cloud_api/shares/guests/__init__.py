"""What the holder of a share's key is answered."""
