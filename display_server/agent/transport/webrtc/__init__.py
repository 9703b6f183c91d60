"""Video for motion over WebRTC, on the ICE and DTLS of aiortc; everything above these is ours."""
