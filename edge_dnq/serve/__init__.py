"""A run seen from elsewhere: a live page in the browser, numbers for Prometheus."""
