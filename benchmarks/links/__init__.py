"""Links between server and browser: loopback, or two network namespaces with a shaped way between them."""
