# SPDX-License-Identifier: GPL-2.0
"""What the tests of TCP's events and of drops share: connections in number, forged segments, the stack's own counters."""
from lib import *

CPUS = sorted(os.sched_getaffinity(0))[:2]
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10


def events(**counts):
    "TCP events by name: events(syn_sent=1)."
    return {name.replace("_", "-"): count for name, count in counts.items() if count}


def host(local, remote, packets, at_local={}, at_remote={}):
    "What one host has of a connection: the packets in the records of both its ports, the rest where it belongs."
    return {("local", local): {**packets, **at_local}, ("remote", remote): {**packets, **at_remote}}


def mirror(packets):
    "The same packets at the other host."
    other = {"received": "sent", "sent": "received"}
    return {re.sub("received|sent", lambda m: other[m[0]], name): count for name, count in packets.items()}


def total(*records):
    "Sums of TCP events, or of drops, by record."
    sums = {}
    for record in records:
        for key, counts in record.items():
            into = sums.setdefault(key, {})
            for name, count in counts.items():
                into[name] = into.get(name, 0) + count
    return sums


def mib(netns):
    "The stack's own counters of a namespace, as nstat(8) names them: a dict that has 0 for what is not there."
    found = collections.defaultdict(int)
    with netns.enter():
        for name in "netstat", "snmp":
            with open(f"/proc/thread-self/net/{name}") as file:
                lines = file.read().splitlines()
            for names, values in zip(lines[::2], lines[1::2]):
                prefix, *names = names.split()
                prefix = "" if prefix == "TcpExt:" else prefix.rstrip(":")
                found.update((prefix + key, int(value)) for key, value in zip(names, values.split()[1:]))
        with open("/proc/thread-self/net/snmp6") as file:
            found.update((key, int(value)) for key, value in (line.split() for line in file))
    return found


def resent(netns):
    "Segments that the stack says it has sent again, those that it could not send not counted."
    counters = mib(netns)
    return counters["TcpRetransSegs"] - counters["TCPRetransFail"]


def patient(*ends, wait="20s"):
    "A busy machine is no reason to send anything again."
    for end in ends:
        end.netns.sysctl("net.ipv4.tcp_early_retrans", 0)
        v4, v6 = end.ipv4.rpartition(".")[0] + ".0/24", end.ipv6.rpartition("::")[0] + "::/64"
        end.netns.ip(f"route replace {v4} dev {end.dev} proto kernel scope link src {end.ipv4} rto_min {wait}",
                     f"route replace {v6} dev {end.dev} proto kernel metric 256 rto_min {wait}")


@contextlib.contextmanager
def undisturbed(netns):
    "What goes on in here loses nothing; if the stack sends anything again, the machine was too busy to answer in time."
    before = resent(netns)
    yield
    if resent(netns) != before:
        raise Late("the stack has sent segments again that were not lost")


def hosts(on=(True, True), **link):
    "Two hosts and what is between them: (client, server), (near, far)."
    netns = [Netns(on=o) for o in on]
    ends = pair(*netns, **link)
    return netns, ends


class Server:
    """A program that accepts connections to a port, on IPv4 and IPv6, and closes each when the other end does.

    On the same CPU as connections(): on two a FIN can overtake the ACK before it, which is then answered, and that with RST.
    """

    def __init__(self, netns, port, cpu=CPUS[-1], lossy=False):
        self.calm = contextlib.ExitStack()
        if not lossy:
            self.calm.enter_context(undisturbed(netns))
        self.process = traffic("serve", cpu, port, netns=netns)
        equal(self.process.stdout.readline(), "ready\n", "the server")

    def accepted(self):
        "End it; how many connections it accepted."
        with self.calm:
            return int(finish(self.process))


def pinned():
    "From here on everything is on the CPU of Server and connections(), for the same reason."
    os.sched_setaffinity(0, {CPUS[-1]})


def connections(netns, source, target, sport, port, n, end="fin", cpu=CPUS[-1], lossy=False):
    "Make connections one after the other, from ports that count up; how many were established."
    with contextlib.nullcontext() if lossy else undisturbed(netns):
        return int(finish(traffic("connect", cpu, source, target, sport, port, n, end, netns=netns, stdin=subprocess.DEVNULL)))


def begin(netns, family, source, target):
    "A connection that has been asked for; nobody waits for it."
    sock = netns.socket(family, socket.SOCK_STREAM, bind=source)
    sock.setblocking(False)
    equal(sock.connect_ex(target), errno.EINPROGRESS, "connect")
    return sock


def state_of(sock):
    "Its state (TCP_ESTABLISHED is 1)."
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def segment(source, destination, sport, dport, flags, seq=0, ack=0, payload=b"", options=b"", wrong=0):
    "A TCP segment in its packet, IPv4 or IPv6, with a good checksum unless it is to be wrong by something."
    family, make = (socket.AF_INET6, ipv6) if ":" in source else (socket.AF_INET, ipv4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (20 + len(options)) << 2, flags, 65535, 0, 0)
    return make(source, destination, 6, _summed(family, source, destination, 6, head + options + payload, 16, wrong))


def datagram(source, destination, sport, dport, payload=b"", wrong=0):
    "A UDP datagram, like segment()."
    family, make = (socket.AF_INET6, ipv6) if ":" in source else (socket.AF_INET, ipv4)
    return make(source, destination, 17, _summed(family, source, destination, 17, udp(sport, dport, payload), 6, wrong))


def _summed(family, source, destination, protocol, data, at, wrong):
    pseudo = socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!II", len(data), protocol)
    value = (checksum(pseudo + data) + wrong) % 0xffff or 0xffff
    return data[:at] + struct.pack("!H", value) + data[at + 2:]


class Forger(Tun):
    "A host behind a tun device that speaks TCP by hand."

    def send(self, family, sport, dport, flags, **fields):
        self.write(segment(self.far[family], getattr(self, family), sport, dport, flags, **fields))

    def answer(self, sport, flags):
        "The next segment to this port with these flags: (seq, ack)."
        def read():
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = os.read(self.fd, 4096)
                    l4 = packet[20 if packet[0] >> 4 == 4 else 40:]
                    protocol = packet[9 if packet[0] >> 4 == 4 else 6]
                    if protocol == 6 and l4[13] & 0x3f == flags and struct.unpack_from("!H", l4, 2)[0] == sport:
                        return struct.unpack_from("!II", l4, 4)
        return wait_until(read, what=f"a segment with flags {flags:#x} to port {sport}")
