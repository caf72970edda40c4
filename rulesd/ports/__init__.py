"""The promises between the core and the world, each a Protocol that says in words what it guarantees."""
