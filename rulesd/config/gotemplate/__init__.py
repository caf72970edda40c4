"""Go templates, as Alertmanager's configuration holds them: read, checked and run, without ever running away."""

from rulesd.config.gotemplate.engine import Library as Library
from rulesd.config.gotemplate.engine import Template as Template
from rulesd.config.gotemplate.faults import Fault as Fault
