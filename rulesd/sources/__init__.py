"""The ways events come in that rulesd fetches itself: each acknowledges only what is committed."""
