"""Who trades: populations with a behaviour. Observation and dice in, commands out."""
