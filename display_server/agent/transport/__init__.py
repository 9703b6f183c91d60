"""Connections to viewers: WebSocket for messages and tiles, WebRTC for video and datagrams."""
