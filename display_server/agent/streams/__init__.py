"""What one viewer is sent of its monitor: a tile stream and a video stream."""
