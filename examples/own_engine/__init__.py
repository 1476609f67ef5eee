"""An engine of one's own: a hub, and what connects to it."""
