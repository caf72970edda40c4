"""Who turns the crank: the daemon, recovery, replay, rule tests; and what tells others that it turns."""
