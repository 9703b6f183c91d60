"""Video and datagrams over WebRTC. ICE, DTLS and SCTP are those of aiortc; everything above is ours."""
