"""The process of `lightbox serve` and `lightbox demo`: composes the gateway and the broker, and runs them."""
