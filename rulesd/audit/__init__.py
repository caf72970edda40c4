"""What rulesd decided, for those who must verify it without trusting it."""
