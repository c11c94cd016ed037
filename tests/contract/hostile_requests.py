# SPDX-License-Identifier: Apache-2.0
"""Requests that two parsers may read in two ways, and others that are not what they seem: the rows of test_smuggling.py.
Each names its rule: sections of RFC 9112, or of RFC 9110 where it says so."""
import dataclasses

HOST = b"Host: localhost"
TYPE = b"Content-Type: application/json"
JOB = b'{"from":1,"to":1}'
CHUNKED_JOB = b"11\r\n" + JOB + b"\r\n0\r\n\r\n"
BEHIND = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: behind\r\nConnection: close\r\n\r\n"
INSIDE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: inside\r\n\r\n"


@dataclasses.dataclass
class Row:
    name: str
    rule: str
    data: bytes
    statuses: tuple  # of the answers, without the one to the request behind
    behind: str  # the fate of the request behind: "answered", "never", or "none" if the client sends no more


def refused(name, rule, data, status=400):
    """One answer, then the connection is closed."""
    return Row(name, rule, data, (status,), "never")


def served(name, rule, data, *statuses):
    return Row(name, rule, data, statuses, "answered")


def served_last(name, rule, data, *statuses):
    """In order, but nothing may come behind it."""
    return Row(name, rule, data, statuses, "never")


def unfinished(name, rule, data):
    """The client ends the connection within the request: it is not acted on."""
    return Row(name, rule, data, (400, 408), "none")


def lines(*all_of_them, body=b""):
    return b"\r\n".join([*all_of_them, b"", body])


def get(*fields, target=b"/livez", host=HOST, body=b""):
    return lines(b"GET " + target + b" HTTP/1.1", *([host] if host is not None else []), *fields, body=body)


def post(*fields, body=JOB, version=b"HTTP/1.1"):
    return lines(b"POST /job " + version, HOST, TYPE, *fields, body=body)


def chunked(body):
    return post(b"Transfer-Encoding: chunked", body=body)


def length(value, body=JOB):
    return post(b"Content-Length:" + value, body=body)


LENGTH = b"Content-Length: %d" % len(JOB)
CHUNKED = b"Transfer-Encoding: chunked"

ROWS = [
    # Two framings in one request.
    refused("CL.TE: the length covers a request", "6.3", post(b"Content-Length: %d" % (5 + len(INSIDE)), CHUNKED, body=b"0\r\n\r\n" + INSIDE)),
    refused("TE.CL: the chunks cover a request", "6.3", post(CHUNKED, b"Content-Length: 4", body=b"%x\r\n" % len(INSIDE) + INSIDE + b"\r\n0\r\n\r\n")),
    refused("TE with CL, both of the same end", "6.1", post(CHUNKED, b"Content-Length: %d" % len(CHUNKED_JOB), body=CHUNKED_JOB)),
    refused("TE with CL: 0", "6.1", post(b"Content-Length: 0", CHUNKED, body=CHUNKED_JOB)),
    refused("TE with CL on GET", "6.1", get(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n")),
    refused("TE in HTTP/1.0", "6.1", post(CHUNKED, body=CHUNKED_JOB, version=b"HTTP/1.0")),
    refused("TE in HTTP/1.0, with a length", "6.1", post(CHUNKED, LENGTH, version=b"HTTP/1.0")),
    refused("two TE fields", "6.1", post(CHUNKED, CHUNKED, body=CHUNKED_JOB)),
    refused("two TE fields, the second unknown", "6.1", post(CHUNKED, b"Transfer-Encoding: x", body=CHUNKED_JOB)),
    refused("two TE fields, the first identity", "6.1", post(b"Transfer-Encoding: identity", CHUNKED, body=CHUNKED_JOB)),
    refused("two TE fields, in other letters", "6.1", post(CHUNKED, b"transfer-encoding: identity", body=CHUNKED_JOB)),
    refused("an empty TE field in front", "6.1", post(b"Transfer-Encoding:", CHUNKED, body=CHUNKED_JOB)),
    # Transfer-Encoding in disguise, mostly with a length that a parser would fall back to.
    *[refused(f"TE {value!r}", rule, post(b"Transfer-Encoding:" + value, *more, body=CHUNKED_JOB)) for value, rule, *more in [
        (b" xchunked", "6.1"), (b" chunkedx", "6.1"), (b" chunke", "6.1"), (b" chunked chunked", "6.1"), (b" 'chunked'", "6.1"),
        (b' "chunked"', "6.1"), (b" chunked;x=1", "7.1"), (b" chunked,", "6.1"), (b" ,chunked", "6.1"), (b" chunked, chunked", "6.1"),
        (b" gzip, chunked", "6.1"), (b" chunked, gzip", "6.3"), (b" gzip", "6.3"), (b" identity", "6.1"), (b" identity, chunked", "6.1"),
        (b" cow", "6.3", LENGTH), (b" gzip", "6.3", LENGTH), (b" identity", "6.1", LENGTH), (b"", "6.1", LENGTH),
        (b" \x0bchunked", "5.5"), (b" \x0cchunked", "5.5"), (b" chunked\x0b", "5.5"), (b" chunked\0", "5.5"), (b" chunked\x7f", "5.5"),
        (b" \xa0chunked", "6.1"), (b" \xe2\x80\x8bchunked", "6.1"), (b" chun\xc4\xb8ed", "6.1"), (b"\r chunked", "2.2"),
        (b"\n chunked", "2.2"), (b"\r\n chunked", "5.2"), (b"\r\n\tchunked", "5.2"), (b" x\r\n chunked", "5.2")]],
    refused("TE with a space before the colon", "5.1", post(b"Transfer-Encoding : chunked", body=CHUNKED_JOB)),
    refused("TE with a tab before the colon", "5.1", post(b"Transfer-Encoding\t: chunked", LENGTH)),
    refused("TE folded into the field before", "5.2", post(b"X: x", b" Transfer-Encoding: chunked", LENGTH)),
    refused("TE behind a bare LF", "2.2", post(b"X: x\nTransfer-Encoding: chunked", LENGTH)),
    refused("TE behind a bare CR", "2.2", post(b"X: x\rTransfer-Encoding: chunked", LENGTH)),
    refused("TE behind a NUL", "5.5", post(b"X: x\0Transfer-Encoding: chunked", LENGTH)),
    refused("TE as the first field, behind a space", "2.2", lines(b"POST /job HTTP/1.1", b" Transfer-Encoding: chunked", HOST, LENGTH, body=JOB)),
    refused("TE with a control character in its name", "5.1", post(b"\x01Transfer-Encoding: chunked", LENGTH)),
    refused("TE with a byte order mark in front", "5.1", post(b"\xef\xbb\xbfTransfer-Encoding: chunked", LENGTH)),
    served("TE in capitals", "7", post(b"TRANSFER-ENCODING: CHUNKED", body=CHUNKED_JOB), 202),
    served("TE with tabs around it", "5", post(b"Transfer-Encoding:\t chunked \t", body=CHUNKED_JOB), 202),
    served("TE without a space", "5", post(b"Transfer-Encoding:chunked", body=CHUNKED_JOB), 202),
    served("a field that only looks like TE", "9110, 5.1", post(b"Transfer_Encoding: chunked", LENGTH), 202),
    served("Connection names Content-Length", "9110, 7.6.1", post(LENGTH, b"Connection: Content-Length"), 202),
    # Content-Length.
    *[refused(f"CL {value!r}", "6.3", length(value)) for value in [
        b"", b" ", b" 17, 17", b" 17,17", b" 17 17", b" 17, 18", b" +17", b" -17", b" -0", b" 0x11", b" 17.0", b" 1e1", b" 17;", b" '17'",
        b' "17"', b" seventeen", b" 1_7", b" 17\0", b" \x0b17", b" 17\x0c", b" \xd9\xa1\xd9\xa7", b" \xef\xbc\x91\xef\xbc\x97", b"\r\n 17",
        b" 18446744073709551633", b" 9223372036854775825", b" 4294967313000000000000", b" 99999999999999999999999999"]],
    refused("CL as large as a number may be", "9110, 15.5.14", length(b" 999999999999999999"), 413),
    refused("two CL, the same", "6.3", post(LENGTH, LENGTH)),
    refused("two CL, another", "6.3", post(LENGTH, b"Content-Length: 0")),
    refused("two CL, the first 0", "6.3", post(b"Content-Length: 0", LENGTH)),
    refused("two CL, in other letters", "6.3", post(LENGTH, b"CONTENT-LENGTH: 0")),
    refused("CL with a space before the colon", "5.1", post(b"Content-Length : 17")),
    refused("CL with a NUL in its name", "5.1", post(b"Content-Length\0: 17")),
    refused("a second CL behind a bare CR", "2.2", post(LENGTH, b"X: x\rContent-Length: 0")),
    served("CL with zeros in front", "9110, 8.6", length(b" 0000017"), 202),
    served("CL: 0 with a request behind", "6.3", get(b"Content-Length: 0"), 200),
    served("no CL means no body", "6.3", get(), 200),
    served("a body behind GET is not a request", "9110, 9.3.1", get(b"Content-Length: %d" % len(INSIDE), body=INSIDE), 200),
    served("a chunked body behind GET", "9110, 9.3.1", get(CHUNKED, body=b"%x\r\n" % len(INSIDE) + INSIDE + b"\r\n0\r\n\r\n"), 200),
    served("a body behind HEAD of nothing", "9110, 9.3.2", lines(b"OPTIONS /livez HTTP/1.1", HOST, b"Content-Length: %d" % len(INSIDE), body=INSIDE), 204),
    served("a request in a job's body", "6.3", post(b"Content-Length: %d" % len(INSIDE), body=INSIDE), 400),
    # Chunks.
    *[refused(f"chunks {body!r}", "7.1", chunked(body)) for body in [
        b"11\n" + JOB + b"\r\n0\r\n\r\n", b"11\r\n" + JOB + b"\n0\r\n\r\n", b"11\r\n" + JOB + b"\r\n0\n\r\n", b"11\r\n" + JOB + b"\r\n0\r\n\n",
        b"11\r" + JOB + b"\r\n0\r\n\r\n", b"11\r\n" + JOB + b"0\r\n\r\n", b"11\r\n" + JOB + b"XX0\r\n\r\n", b"11\r\n" + JOB + b"\r0\r\n\r\n",
        b"10\r\n" + JOB + b"\r\n0\r\n\r\n", b"12\r\n" + JOB + b"\r\n0\r\n\r\n", b"\r\n" + CHUNKED_JOB, b" " + CHUNKED_JOB, b"\t" + CHUNKED_JOB,
        b"0x11\r\n" + JOB + b"\r\n0\r\n\r\n", b"+11\r\n" + JOB + b"\r\n0\r\n\r\n", b"-11\r\n" + JOB + b"\r\n0\r\n\r\n", b"-0\r\n\r\n",
        b"1_1\r\n" + JOB + b"\r\n0\r\n\r\n", b"11h\r\n" + JOB + b"\r\n0\r\n\r\n", b"g\r\n\r\n", b"\r\n\r\n", b";x\r\n\r\n", b"{}\r\n\r\n",
        b"11 1\r\n" + JOB + b"\r\n0\r\n\r\n", b"11\0\r\n" + JOB + b"\r\n0\r\n\r\n", b"\xd9\xa1\r\n" + JOB + b"\r\n0\r\n\r\n",
        b"11\r\n" + JOB + b"\r\n\r\n", b"11\r\n" + JOB + b"\r\n\r\n0\r\n\r\n", JOB, b"17\r\n" + JOB]],
    *[refused(f"chunk sizes that overflow: {size!r}", "7.1", chunked(size + b"\r\n" + JOB + b"\r\n0\r\n\r\n")) for size in [
        b"10000000000000011", b"100000000000000000000000000000011", b"fffffffffffffffffffffffffffffffff"]],
    *[Row(f"chunk sizes out of bounds: {size!r}", "7.1", chunked(size + b"\r\n" + JOB + b"\r\n0\r\n\r\n"), (413,), "never") for size in [
        b"ffffffffffffffff", b"8000000000000000", b"7fffffffffffffff", b"100000011", b"fffffff"]],
    *[refused(f"chunk extension {extension!r}", "7.1.1", chunked(b"11" + extension + b"\r\n" + JOB + b"\r\n0\r\n\r\n")) for extension in [
        b";", b";;", b";=x", b"; =x", b";x=", b';x="', b';x="\x01"', b";x=\x01", b";x\0", b";x\n", b";x\ny", b";x\ry", b';x="\n"', b";x y", b" x",
        b";x=1\n" + JOB + b"\r\n0"]],
    refused("a chunk extension without end", "7.1.1", chunked(b"11;x=" + b"x" * 20000 + b"\r\n" + JOB + b"\r\n0\r\n\r\n")),
    served("chunk sizes with zeros in front", "7.1", chunked(b"00011\r\n" + JOB + b"\r\n000\r\n\r\n"), 202),
    served("chunk sizes in capitals", "7.1", chunked(b"A\r\n" + JOB[:10] + b"\r\n7\r\n" + JOB[10:] + b"\r\n0\r\n\r\n"), 202),
    served("chunk extensions are passed over", "7.1.1", chunked(b'11;a;b=c;d="e \\" f"\r\n' + JOB + b"\r\n0;x\r\n\r\n"), 202),
    served("a request in a chunk", "7.1", chunked(b"%x\r\n" % len(INSIDE) + INSIDE + b"\r\n0\r\n\r\n"), 400),
    served("a request behind the last chunk is the next one", "7.1", chunked(CHUNKED_JOB) + get(), 202, 200),
    served("a trailer field", "7.1.2", chunked(CHUNKED_JOB[:-2] + b"X-Sum: 1\r\n\r\n"), 202),
    served("a trailer that names another host is passed over", "9110, 6.5.1", chunked(CHUNKED_JOB[:-2] + b"Host: elsewhere.example\r\n\r\n"), 202),
    served("a folded trailer is passed over", "5.2", chunked(CHUNKED_JOB[:-2] + b"X: x\r\n y\r\n\r\n"), 202),
    *[refused(f"trailer {trailer!r}", rule, chunked(CHUNKED_JOB[:-2] + trailer + b"\r\n\r\n")) for trailer, rule in [
        (b"Content-Length: 5", "9110, 6.5.1"), (b"Transfer-Encoding: chunked", "9110, 6.5.1"), (b"no colon", "5"), (b": x", "5.1"),
        (b"X : x", "5.1"), (b" X: x", "5.2"), (b"X: x\0", "5.5"), (b"X: x\ry", "2.2"), (b"X: x\nY: y", "2.2"), (b"X: " + b"x" * 20000, "9110, 15.5")]],
    # Line ends and fields.
    refused("bare LF line ends", "2.2", get().replace(b"\r\n", b"\n")),
    refused("a bare LF behind the request line", "2.2", get().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n")),
    refused("a bare LF ends the head", "2.2", get()[:-2] + b"\n"),
    refused("bare CR line ends", "2.2", get().replace(b"\r\n", b"\r") + b"\r\n\r\n"),
    refused("CR CR LF", "2.2", get(b"X: x\r")),
    refused("LF CR", "2.2", get().replace(b"\r\n", b"\n\r")),
    refused("CR CR LF LF in front", "2.2", b"\r\r\n\n" + get()),
    served("an empty line in front", "2.2", b"\r\n" + get(), 200),
    served("an empty line between two requests", "2.2", get() + b"\r\n" + get(), 200, 200),
    refused("several empty lines in front", "2.2", b"\r\n" * 3 + get()),
    refused("a space in front", "2.2", b" " + get()),
    refused("a folded field", "5.2", get(b"X: x\r\n y")),
    refused("a folded empty field", "5.2", get(b"X:\r\n \r\n y")),
    refused("a folded Host", "5.2", get(host=b"Host:\r\n localhost")),
    refused("a space behind the request line", "2.2", get().replace(b"\r\nHost", b"\r\n \r\nHost")),
    *[refused(f"field {field!r}", rule, get(field)) for field, rule in [
        (b"X : x", "5.1"), (b"X\t: x", "5.1"), (b": x", "5.1"), (b":", "5.1"), (b"no colon", "5"), (b"X y: x", "5.1"), (b"X\0: x", "5.1"),
        (b"X\r: x", "5.1"), (b"X\x7f: x", "5.1"), (b"X(: x", "5.1"), (b'"X": x', "5.1"), (b"X;: x", "5.1"), (b"{X}: x", "5.1"),
        (b"X\xff: x", "5.1"), (b"X: \0", "5.5"), (b"X: x\x01y", "5.5"), (b"X: x\x08", "5.5"), (b"X: x\x7f", "5.5"), (b"X: x\ry", "5.5"),
        (b"X: \x1b[2J", "5.5")]],
    served("fields of any other bytes", "5.5", get(b"X: \x80\xff\xc3\xa4\ttab", b"!#$%&'*+-.^_`|~9: x", b"Y:", b"Z:::"), 200),
    # Host.
    refused("no Host", "3.2", get(host=None)),
    refused("two Hosts, the same", "3.2", get(HOST)),
    refused("two Hosts, the second foreign", "3.2", get(b"Host: evil.example")),
    refused("two Hosts, the first foreign", "3.2", get(HOST, host=b"Host: evil.example")),
    refused("two Hosts, in other letters", "3.2", get(b"hOST: localhost")),
    *[refused(f"Host {value!r}", "3.2", get(host=b"Host:" + value)) for value in [
        b"", b" ", b" localhost evil.example", b" localhost,evil.example", b" localhost/", b" localhost/evil", b" localhost?x", b" localhost#x",
        b" evil@localhost", b" localhost@evil", b" http://localhost", b" localhost:x", b" localhost:80:80", b" localhost:-1", b" localhost:80x",
        b" :80", b" localhost%", b" localhost%zz", b" [::1", b" ::1", b" [::1]x", b" [::1]]", b" [[::1]]", b" [localhost]", b" []", b" local\\host", b' "localhost"',
        b" localhost\0", b" localh\xc3\xb6st"]],
    *[served(f"Host {value!r}", "3.2", get(host=b"Host:" + value), 200) for value in [
        b" LOCALHOST", b"localhost:1", b" localhost:", b"\tlocalhost:65535 ", b" 127.0.0.1", b" [::1]:80"]],
    *[served(f"Host {value!r} is another's", "9110, 7.4", get(host=b"Host:" + value), 421) for value in [
        b" evil.example", b" localhost.evil.example", b" localhost.", b" 127.0.0.1.evil.example", b" [::2]", b" %6cocalhost"]],
    served_last("HTTP/1.0 needs no Host", "3.2", b"GET /livez HTTP/1.0\r\n\r\n", 200),
    # Request line.
    *[refused(f"request line {line!r}", rule, lines(line, HOST), status) for line, rule, status in [
        (b"GET", "3", 400), (b"GET /livez", "3", 400), (b"GET /livez ", "3", 400), (b"GET  /livez HTTP/1.1", "3", 400),
        (b"GET /livez  HTTP/1.1", "3", 400), (b"GET /livez HTTP/1.1 ", "3", 400), (b"GET\t/livez\tHTTP/1.1", "3", 400),
        (b"GET /livez\x0bHTTP/1.1", "3", 400), (b"GET /livez HTTP/1.1 x", "3", 400), (b"GET /livez HTTP/1.1 HTTP/1.1", "3", 400),
        (b"GET /livez x HTTP/1.1", "3", 400), (b"GET /livez http/1.1", "2.3", 400), (b"GET /livez HTTP/1", "2.3", 400),
        (b"GET /livez HTTP/1.", "2.3", 400), (b"GET /livez HTTP/11", "2.3", 400), (b"GET /livez HTTP/1.10", "2.3", 400),
        (b"GET /livez HTTP/01.1", "2.3", 400), (b"GET /livez HTTP/+1.1", "2.3", 400), (b"GET /livez HTTP/1,1", "2.3", 400),
        (b"GET /livez HTTPS/1.1", "2.3", 400), (b"GET /livez RTSP/1.0", "2.3", 400), (b"GET /livez HTTP /1.1", "2.3", 400),
        (b"GET /livez HTTP/2.0", "2.3", 505), (b"GET /livez HTTP/0.9", "2.3", 505), (b"GET /livez HTTP/1.9", "2.3", 505),
        (b"G(T /livez HTTP/1.1", "3.1", 400), (b"G\0T /livez HTTP/1.1", "3.1", 400), (b"\xef\xbb\xbfGET /livez HTTP/1.1", "3.1", 400),
        (b"G:T /livez HTTP/1.1", "3.1", 400), (b"get /livez HTTP/1.1", "3.1", 501), (b"Get /livez HTTP/1.1", "3.1", 501),
        (b"GETGET /livez HTTP/1.1", "3.1", 501), (b"TRACE /livez HTTP/1.1", "9110, 9.3.8", 501), (b"X" * 3000 + b" /livez HTTP/1.1", "3.1", 501),
        (b"CONNECT localhost:80 HTTP/1.1", "3.2.3", 501), (b"CONNECT /livez HTTP/1.1", "3.2.3", 501), (b"GET localhost:80 HTTP/1.1", "3.2.3", 400),
        (b"GET * HTTP/1.1", "3.2.4", 400), (b"OPTIONS ** HTTP/1.1", "3.2.4", 400), (b"GET livez HTTP/1.1", "3.2.1", 400),
        (b"GET /livez#x HTTP/1.1", "3.2.1", 400), (b"GET /live\0z HTTP/1.1", "3.2", 400), (b"GET /livez\x7f HTTP/1.1", "3.2", 400),
        (b"GET /liv\xc3\xa9z HTTP/1.1", "3.2", 400), (b"GET /live z HTTP/1.1", "3.2", 400), (b"GET /livez\rX HTTP/1.1", "2.2", 400),
        (b"GET /livez\r\nX-Evil: 1 HTTP/1.1", "3", 400), (b"GET /livez HTTP/1.1\r\n\r\n" + INSIDE[:-2] + b"X: HTTP/1.1", "3.2", 400)]],
    refused("HTTP/0.9", "2.3", b"GET /livez\r\n\r\n"),
    refused("HTTP/2 preface", "9113, 3.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    refused("a TLS hello", "3", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(14, 64)) + b"\r\n\r\n"),
    refused("NULs", "3", b"\0" * 1000 + b"\r\n\r\n"),
    refused("another protocol: SSH", "3", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    refused("another protocol: Redis", "3", b"*1\r\n$4\r\nPING\r\n\r\n"),
    refused("another protocol: an answer", "3", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    refused("another protocol: PROXY", "3", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + get()),
    # Targets that are in order, and mean nothing here.
    *[served(f"target {target!r}", rule, get(target=target), status) for target, rule, status in [
        (b"/livez%0d%0aSet-Cookie:%20a=b", "3.2.1", 404), (b"/livez%0aX:1", "3.2.1", 404), (b"/livez%00", "3.2.1", 404), (b"/livez%20HTTP/1.1%0d%0a", "3.2.1", 404),
        (b"//livez", "3.2.1", 404), (b"/../livez", "3.2.1", 404), (b"/%2e%2e/livez", "3.2.1", 404), (b"/.//livez", "3.2.1", 404),
        (b"/..%2f..%2fetc%2fpasswd", "3.2.1", 404), (b"/livez\\", "3.2.1", 404), (b"/livez;x", "3.2.1", 404), (b"/%6civez", "3.2.1", 404),
        (b"/livez?%0d%0aX:%201", "3.2.1", 200), (b"/job/%2e%2e", "3.2.1", 400), (b"/v1/jobs/..%2f..%2flivez", "3.2.1", 404)]],
    served("absolute-form", "3.2.2", get(target=b"http://localhost/livez"), 200),
    served("absolute-form, in other letters", "3.2.2", get(target=b"HTTP://LocalHost:80/livez?x=http://y", host=b"Host: localhost:80"), 200),
    served("absolute-form without a path", "3.2.2", get(target=b"http://localhost"), 200),  # the page
    served("absolute-form of another's", "9110, 7.4", get(target=b"http://evil.example/livez", host=b"Host: evil.example"), 421),
    *[refused(f"absolute-form {target!r}", rule, get(target=target)) for target, rule in [
        (b"http://evil.example/livez", "3.2.2"), (b"http://localhost:81/livez", "3.2.2"), (b"http://evil@localhost/livez", "9110, 4.2.4"),
        (b"http:///livez", "9110, 4.2.1"), (b"http:/livez", "3.2.2"), (b"http:livez", "3.2.2"), (b"http://localhost\\livez", "3.2.2"), (b"http://localhost#x", "3.2.2"),
        (b"ftp://localhost/livez", "3.2.2"), (b"file:///etc/passwd", "3.2.2"), (b"javascript:x", "3.2.2")]],
    # Connections, expectations, upgrades.
    served_last("HTTP/1.0", "9.3", b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
    served_last("HTTP/1.0 that would keep alive", "9.3", b"GET /livez HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", 200),
    served_last("Connection: close", "9.6", get(b"Connection: close"), 200),
    served_last("Connection: CLOSE in a list", "9.6", get(b"Connection: keep-alive, CLOSE"), 200),
    served_last("two Connection fields", "9.6", get(b"Connection: keep-alive", b"Connection: close"), 200),
    served("Connection: closed is no close", "9.6", get(b"Connection: closed"), 200),
    served("Upgrade to h2c is not taken", "9110, 7.8", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"), 200),
    served("Upgrade to WebSocket is not taken", "9110, 7.8", get(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), 200),
    served("Upgrade with a body", "9110, 7.8", post(b"Connection: Upgrade", b"Upgrade: h2c", LENGTH), 202),
    served("Expect with its body at once", "9110, 10.1.1", post(b"Expect: 100-continue", LENGTH), 202),
    served("Expect in capitals", "9110, 10.1.1", post(b"EXPECT: 100-CONTINUE", LENGTH), 202),
    served("Expect without a body", "9110, 10.1.1", get(b"Expect: 100-continue"), 200),
    refused("Expect something else", "9110, 10.1.1", post(b"Expect: 200-ok", LENGTH), 417),
    refused("Expect a list", "9110, 10.1.1", post(b"Expect: 100-continue, x=y", LENGTH), 417),
    served("several requests at once", "9.3.2", get() + post(LENGTH) + get(target=b"/nothing"), 200, 202, 404),
    Row("a good one, then one of two lengths", "9.3.2", get() + post(LENGTH, LENGTH), (200, 400), "never"),
    # Limits.
    refused("a long target", "3", get(target=b"/" + b"x" * 5000), 414),
    refused("a target without end", "3", b"GET /" + b"x" * 100000, 414),
    refused("a method without end", "3", b"X" * 100000, 414),
    refused("a large field", "5.4", get(b"X: " + b"x" * 9000), 431),
    refused("a field without end", "5.4", get()[:-2] + b"X: " + b"x" * 100000, 431),
    refused("a name without end", "5.4", get()[:-2] + b"x" * 100000, 431),
    refused("many fields", "5.4", get(*[b"X: x"] * 101), 431),
    refused("very many empty fields", "5.4", get(*[b"X:"] * 5000), 431),
    served("as many fields as may be", "5.4", get(*[b"X: x"] * 99), 200),
    refused("a body that is too large by its length", "9110, 15.5.14", length(b" 1048577"), 413),
    # The connection ends within the request.
    unfinished("within the request line", "8", b"GET /livez HT"),
    unfinished("within the fields", "8", get()[:-2]),
    unfinished("within CR LF", "8", get()[:-1]),
    unfinished("within a body", "8", post(b"Content-Length: %d" % (len(JOB) + 1))),
    unfinished("before a body", "8", post(LENGTH, body=b"")),
    unfinished("within a chunk", "8", chunked(b"12\r\n" + JOB)),
    unfinished("without the last chunk", "8", chunked(b"11\r\n" + JOB + b"\r\n")),
    unfinished("within the last chunk", "8", chunked(b"11\r\n" + JOB + b"\r\n0\r\n")),
    unfinished("within the trailer", "8", chunked(b"11\r\n" + JOB + b"\r\n0\r\nX: x\r\n")),
]
