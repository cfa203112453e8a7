"""How complete history is: what was to be expected, what came, which stretches are missing, why, and by whose fault."""
