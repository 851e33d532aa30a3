/**
 * What client and daemon say to each other: little-endian binary messages over a Unix socket.
 *
 * <p>One message is one packet of a {@code SOCK_SEQPACKET} socket, at most {@link
 * org.heteromem.live.wire.Wire#MAX_MESSAGE_BYTES} long, and begins with the same sixteen bytes:
 *
 * <pre>
 *    0               4       6       8                               16
 *   +---------------+-------+-------+-------------------------------+------- - -
 *   | length        | type  |version| correlation                   | body
 *   +---------------+-------+-------+-------------------------------+------- - -
 * </pre>
 *
 * <p>The length counts the header. The correlation is chosen by whoever asks; the answer carries the same; 0 is a notice
 * that nobody answers. Numbers are unsigned unless said otherwise. Strings are UTF-8, preceded by their length in two
 * bytes, and hold no control characters, so that they can be logged as they are (TEXT may hold line feeds and tabs).
 *
 * <pre>
 *   client                                  daemon
 *     | HELLO  versions, page size, budget    |
 *     |--------------------------------------&gt;|   peer credentials are the kernel's, not the message's
 *     |            WELCOME  version, limits   |
 *     |&lt;--------------------------------------|
 *     | REGISTER_REGION + memfd + userfaultfd |
 *     |--------------------------------------&gt;|
 *     |                  DONE  (or ERROR)     |
 *     |&lt;--------------------------------------|
 *     | ALLOCATE, FREE ...  (notices)         |
 *     |--------------------------------------&gt;|
 *     | PREFETCH, EVICT, PIN, RESIDENCY ...   |
 *     |--------------------------------------&gt;|
 *     |                  DONE / COUNTERS      |
 *     |&lt;--------------------------------------|
 *     |                  IDLE  (a notice)     |
 *     |&lt;--------------------------------------|
 * </pre>
 *
 * <p>A daemon that was killed may have taken requests with it. Its successor says WELCOME once more, unasked, with
 * correlation 0; the client then asks again whatever has no answer yet. So that nothing is done twice, a request carries the
 * process id of the daemon that it is for in the upper half of its correlation, and a successor drops what was for its
 * predecessor.
 *
 * <p>Messages are flyweights over a segment: one object is filled or wrapped again and again. Wrapping validates every
 * field; after it, no accessor can fail. A message that breaks a rule is a {@link
 * org.heteromem.live.wire.MalformedMessageException} that says which field of which message has which value, and costs the
 * sender its connection.
 *
 * <pre>{@code
 * RangeRequest request = new RangeRequest();
 * request.begin(buffer, MessageType.PREFETCH, 7, region).add(0, 1 << 20).add(8 << 20, 4096);
 * connection.send(request);
 * }</pre>
 */
@NullMarked
package org.heteromem.live.wire;

import org.jspecify.annotations.NullMarked;
