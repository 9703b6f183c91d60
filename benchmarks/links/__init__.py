"""Links between server and browser: loopback, or two network namespaces joined by a shaped link."""
