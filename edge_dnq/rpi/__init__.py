"""The runner of unattended devices: a camera that is kept delivering, events, a watchdog."""
