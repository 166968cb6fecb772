# SPDX-License-Identifier: GPL-2.0
"""TCP connections between two namespaces, and what their sockets count."""
import collections
import errno
import select
import socket
import struct

from lib.ktap import PATIENCE, check, defer, equal, wait_until


class TcpInfo(collections.namedtuple("TcpInfo", "unacked retransmitted segs_out segs_in bytes_sent rtt bytes_received bytes_retrans")):
    """A few fields of struct tcp_info. Of an accepted connection segs_out is without the SYN-ACK."""

    @classmethod
    def of(cls, sock):
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
        u32 = lambda offset: struct.unpack_from("=I", raw, offset)[0]
        u64 = lambda offset: struct.unpack_from("=Q", raw, offset)[0]
        return cls(u32(24), u32(100), u32(136), u32(140), u64(200), u32(68), u64(128), u64(208))


Connection = collections.namedtuple("Connection", "caller called")


def connect(client, server, family, target, port, source=None, devices=(None, None)):
    "A TCP connection between two namespaces, with SACK off, so that every segment but a SYN has a header of 32 bytes."
    for netns in client, server:
        netns.sysctl("net.ipv4.tcp_sack", 0)
    with server.socket(family, socket.SOCK_STREAM, bind=(target, port), device=devices[1]) as listener:
        listener.listen()
        caller = client.socket(family, socket.SOCK_STREAM, bind=source, device=devices[0])
        caller.connect((target, port))
        called = listener.accept()[0]
    called.settimeout(20 * PATIENCE)
    defer(called.close)
    return Connection(caller, called)


IP_HEADER = {"ipv4": 20, "ipv6": 40}


def on_the_wire(connection, family, header=None):
    """Packets and bytes sent from caller to called and back, both (packets, bytes), as the sockets count them.

    Once all is acknowledged. The SYN has 8 bytes of options more than other segments, and so has the SYN-ACK, which is not
    in the counters of its socket.
    """
    header = (header or IP_HEADER[family]) + 32
    for sock in connection:
        wait_until(lambda: not TcpInfo.of(sock).unacked, what="the last acknowledgement")

    def arrived():
        "Acknowledgements of no data may still be on their way, in IPsec's hands for one."
        caller, called = map(TcpInfo.of, connection)
        return called.segs_in == caller.segs_out and caller.segs_in == called.segs_out + 1

    wait_until(arrived, what="all segments sent")
    caller, called = map(TcpInfo.of, connection)
    there = caller.segs_out, caller.segs_out * header + 8 + caller.bytes_sent
    back = called.segs_out + 1, (called.segs_out + 1) * header + 8 + called.bytes_sent
    equal((called.segs_in, caller.segs_in), (there[0], back[0]), "segments received and sent")
    return there, back


def transfer(sender, receiver, size):
    "Send size bytes, in large writes, and receive them all."
    sender.setblocking(False)
    receiver.setblocking(False)
    data, sent, received = memoryview(bytes(1 << 20)), 0, 0
    while received < size:
        readable, writable, _ = select.select([receiver], [sender] if sent < size else [], [], 30)
        check(readable or writable, f"stuck after {received} of {size} bytes")
        if writable:
            sent += sender.send(data[:size - sent])
        while readable:
            try:
                received += receiver.recv_into(_sink)
            except BlockingIOError:
                break


_sink = bytearray(1 << 20)


def begin(netns, family, source, target):
    "A connection attempt, without waiting for the result."
    sock = netns.socket(family, socket.SOCK_STREAM, bind=source)
    sock.setblocking(False)
    equal(sock.connect_ex(target), errno.EINPROGRESS, "connect")
    return sock


def state_of(sock):
    "Its state (TCP_ESTABLISHED is 1)."
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
