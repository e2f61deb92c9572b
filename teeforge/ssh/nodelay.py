"""The ProxyCommand of our `ssh`: a connection that does not wait to fill its packets.

OpenSSH leaves Nagle's algorithm on until somebody has logged in, and so waits for an ACK, up to 40 ms, more
than once. It takes the connection over from us (ProxyUseFdpass in ssh_config(5)), and we are gone.
"""

import socket
import sys

if __name__ == "__main__":
    try:
        connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
        # What is passed on is the description of the file, and how it blocks is part of it.
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        socket.send_fds(socket.socket(fileno=1), [b"\0"], [connection.fileno()])
    except OSError as error:
        sys.exit(f"{sys.argv[1]} port {sys.argv[2]}: {error.strerror or error}")
