"""Settings, prompt templates and SQL that come with the package; see base.yaml."""
