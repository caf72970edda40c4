"""What rulesd does to the world beside telling people: switches and webhooks."""
