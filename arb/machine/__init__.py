"""The cycle as a state machine: table of moves, state, evolve, decide. Pure."""
