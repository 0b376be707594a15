"""The engine and the kinds of run that it is put together for."""
