"""Makes a lone mongod a replica set of one: `replica_set.py PORT` succeeds once it is the primary.

The images carry no mongosh, so this speaks the wire protocol: one OP_MSG out, one back. Only the fields needed here are encoded.
"""

import socket
import struct
import sys

OP_MSG = 2013
ALREADY_INITIALIZED = 23


def document(fields):
    body = b""
    for name, value in fields.items():
        key = name.encode() + b"\0"
        if isinstance(value, dict):
            body += b"\x03" + key + document(value)
        elif isinstance(value, list):
            body += b"\x04" + key + document({str(index): item for index, item in enumerate(value)})
        elif isinstance(value, int):
            body += b"\x10" + key + struct.pack("<i", value)
        else:
            text = value.encode() + b"\0"
            body += b"\x02" + key + struct.pack("<i", len(text)) + text
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def numbers(reply):
    """The top-level booleans and numbers of a reply, which is all that is asked of one."""
    found, at = {}, 4
    while reply[at]:
        kind, end = reply[at], reply.index(b"\0", at + 1)
        name, at = reply[at + 1 : end].decode(), end + 1
        if kind == 0x08:
            found[name], at = reply[at], at + 1
        elif kind == 0x10:
            found[name], at = struct.unpack_from("<i", reply, at)[0], at + 4
        elif kind == 0x01:
            found[name], at = struct.unpack_from("<d", reply, at)[0], at + 8
        elif kind in (0x02,):
            at += 4 + struct.unpack_from("<i", reply, at)[0]
        elif kind in (0x03, 0x04):
            at += struct.unpack_from("<i", reply, at)[0]
        elif kind == 0x05:
            at += 5 + struct.unpack_from("<i", reply, at)[0]
        elif kind == 0x07:
            at += 12
        elif kind in (0x09, 0x11, 0x12):
            at += 8
        elif kind != 0x0A:
            raise ValueError(f"a field of kind {kind:#x} in the reply is not understood")
    return found


def run(connection, command):
    message = struct.pack("<iiiiiB", 0, 1, 0, OP_MSG, 0, 0) + document({**command, "$db": "admin"})
    connection.sendall(struct.pack("<i", len(message)) + message[4:])
    with connection.makefile("rb") as stream:
        size = struct.unpack("<i", stream.read(4))[0]
        return numbers(stream.read(size - 4)[17:])


def main():
    port = int(sys.argv[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
        reply = run(connection, {"replSetInitiate": {"_id": "rs0", "members": members}})
        if not reply["ok"] and reply.get("code") != ALREADY_INITIALIZED:
            sys.exit(f"mongod refused to become a replica set: {reply}")
        if not run(connection, {"hello": 1}).get("isWritablePrimary"):
            sys.exit("mongod is not the primary yet")


main()
