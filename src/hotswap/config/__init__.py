"""From the YAML file to the values that the processes share."""
