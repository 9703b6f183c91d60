"""Video encoders, H.264 and VP8, one per file. Which one is used depends on what works on the host."""
