"""``python -m rulesd`` is the ``rulesd`` command."""

from rulesd.cli.main import main

main()
