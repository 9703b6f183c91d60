"""What Lightbox does as an X11 client: connections, monitors (RandR), windows and text scale."""
