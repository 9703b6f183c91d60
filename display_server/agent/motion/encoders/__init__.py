"""Pictures in motion become H.264 or VP8: one encoder per file, chosen by what the host really can."""
