"""What can be asked over HTTP, one module a subject; each has a `router` over the service."""
