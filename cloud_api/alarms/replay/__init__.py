"""What-if: changed definitions over stored history, compared with what was; advice on limits."""
