package org.heteromem.live.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Bytes from a hostile client: refused with field and value, and never anything worse. */
class MalformedMessageTest {
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
    private final MessageReader reader = new MessageReader();

    private void assertRefused(int bytes, String... words) {
        assertThatExceptionOfType(MalformedMessageException.class)
                .isThrownBy(() -> reader.read(buffer, bytes))
                .withMessageContainingAll(words);
    }

    private void u16(int at, int value) {
        buffer.set(Wire.U16, at, (short) value);
    }

    private void u32(int at, int value) {
        buffer.set(Wire.U32, at, value);
    }

    private void u64(int at, long value) {
        buffer.set(Wire.U64, at, value);
    }

    @Test
    void headers() {
        int length = new Query().encode(buffer, MessageType.STATUS, 1, 0).length();
        assertRefused(0, "0 bytes", "header of 16");
        assertRefused(15, "15 bytes");
        assertRefused(length - 1, "length says 20", "19 arrived");
        u32(0, -1);
        assertRefused(length, "length says 4294967295");
        u32(0, length);
        u16(4, 999);
        assertRefused(length, "no message type 999");
        u16(4, 0);
        assertRefused(length, "no message type 0");
        u16(4, MessageType.STATUS.code());
        u16(6, 2);
        assertRefused(length, "STATUS", "version is 2");
    }

    @Test
    void bodiesThatAreTooLongOrTooShort() {
        int length = new Done().encode(buffer, 1, 0, 0).length();
        u32(0, length + 1);
        assertRefused(length + 1, "DONE", "1 bytes follow");
        u32(0, 17);
        assertRefused(17, "DONE", "body", "ends at 17");
    }

    @Test
    void ranges() {
        RangeRequest request = new RangeRequest();
        int length = request.begin(buffer, MessageType.EVICT, 1, 0).add(0, 4096).length();
        for (long offset : new long[] {-4096, 1, Long.MIN_VALUE, Wire.MAX_REGION_BYTES}) {
            u64(32, offset);
            assertRefused(length, "EVICT", "field", Long.toString(offset));
        }
        u64(32, 4096);
        for (long bytes : new long[] {0, -4096, 100, Long.MAX_VALUE, Wire.MAX_REGION_BYTES}) {
            u64(40, bytes);
            assertRefused(length, "EVICT", "length at", Long.toString(bytes));
        }
        u64(40, 4096);
        // the last one times 16 is 16 in 32 bits
        for (int count : new int[] {0, 2, -1, Integer.MAX_VALUE, 0x1000_0001}) {
            u32(24, count);
            assertRefused(length, "EVICT", "ranges");
        }
        u32(24, 1);
        u32(20, 3);
        assertRefused(length, "advice", "is 3");
        u32(20, 0);
        u32(28, 1);
        assertRefused(length, "pin", "0 except in UNPIN");
        u32(28, 0);
        u32(16, -1);
        assertRefused(length, "region", "is -1");
        u32(16, 0);
        assertThat(reader.read(buffer, length).type()).isEqualTo(MessageType.EVICT);
    }

    @Test
    void regionsOutsideOfUserSpace() {
        RegisterRegion region = new RegisterRegion();
        int length = region.encode(buffer, 1, 0, 4096, 4096, "r").length();
        for (long address : new long[] {0, 5, -4096, 0xffff_8000_0000_0000L, Wire.MAX_REGION_BYTES}) {
            u64(24, address);
            assertRefused(length, "REGISTER_REGION");
        }
    }

    @Test
    void strings() {
        int length =
                new Hello().encode(buffer, 1, Hello.Role.CLIENT, 0, 4096, "abc").length();
        u16(36, 4);
        assertRefused(length, "HELLO", "name", "needs 4 bytes");
        u16(36, 2);
        assertRefused(length, "1 bytes follow");
        u16(36, 0xffff);
        assertRefused(length, "65535", "at most 128");
        u16(36, 3);
        buffer.set(ValueLayout.JAVA_BYTE, 38, (byte) 0xff);
        assertRefused(length, "not UTF-8");
        for (byte control : "\n\r\u0000\u001b\t\u007f".getBytes(StandardCharsets.US_ASCII)) {
            buffer.set(ValueLayout.JAVA_BYTE, 38, control);
            assertRefused(length, "no control characters", "is " + control);
        }
    }

    @Test
    void helloOfOtherTimes() {
        int length =
                new Hello().encode(buffer, 1, Hello.Role.CLIENT, 0, 4096, "abc").length();
        u16(6, 9); // the header's version is not agreed on yet
        u16(16, 7);
        u16(18, 9);
        assertThat(((Hello) reader.read(buffer, length)).speaks(Wire.VERSION)).isFalse();
        u16(18, 6);
        assertRefused(length, "highest version", "is 6");
        u16(16, 0);
        assertRefused(length, "lowest version");
        u16(16, 1);
        u32(20, 2);
        assertRefused(length, "role", "is 2");
        u32(20, 0);
        u32(32, 5000);
        assertRefused(length, "page size", "is 5000");
        u32(32, 4096);
        u64(24, -1);
        assertRefused(length, "ram", "is -1");
    }

    @Test
    void launches() {
        int length = new Launch()
                .begin(buffer, 1)
                .addMemory(4096, 8)
                .target("d", "C")
                .length();
        u32(20, 3);
        assertRefused(length, "kind", "is 3");
        u32(20, 0);
        assertRefused(length, "second word", "is 8");
        u32(20, 2);
        u64(36, Long.MAX_VALUE);
        assertRefused(length, "length");
        u64(36, 8);
        u64(28, -1);
        assertRefused(length, "address", "is -1");
        u64(28, 4096);
        u32(16, 0x0aaa_aaab); // times 24 is 8 in 32 bits
        assertRefused(length, "arguments");
        int nameless = new Launch().begin(buffer, 1).target("d", "C").length() - 1;
        u32(0, nameless);
        u16(nameless - 2, 0);
        assertRefused(nameless, "class name", "not empty");
    }

    /** Damages valid messages: they are accepted or refused, and of those accepted every accessor works. */
    @Test
    void damagedMessagesAreRefusedOrHarmless() {
        long seed = Long.getLong("heteromem.seed", System.nanoTime());
        System.out.println("heteromem.seed=" + seed);
        Random random = new Random(seed);
        int refused = 0;
        MemorySegment exact = Connection.newBuffer(Arena.ofAuto());
        for (int turn = 0; turn < 40_000; turn++) {
            int length = some(random.nextInt(9));
            for (int flips = random.nextInt(4); flips > 0; flips--) {
                int at = random.nextInt(length);
                byte old = buffer.get(ValueLayout.JAVA_BYTE, at);
                byte damaged = random.nextBoolean() ? (byte) random.nextInt() : (byte) (old ^ (1 << random.nextInt(8)));
                buffer.set(ValueLayout.JAVA_BYTE, at, damaged);
            }
            if (random.nextInt(4) == 0) {
                length = Math.max(0, length + random.nextInt(9) - 4);
                u32(0, length);
            }
            // A slice without a byte to spare, so that reading past the end cannot go unseen.
            MemorySegment slice = exact.asSlice(0, length).copyFrom(buffer.asSlice(0, length));
            try {
                touch(reader.read(slice, length));
            } catch (MalformedMessageException e) {
                refused++;
                assertThat(e).as("seed %d turn %d", seed, turn).hasMessageContaining(" ");
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + " turn " + turn, e);
            }
        }
        assertThat(refused).isGreaterThan(1000);
    }

    private int some(int kind) {
        Message message = switch (kind) {
            case 0 -> new Hello().encode(buffer, 1, Hello.Role.CLIENT, 1 << 20, 4096, "näme");
            case 1 -> new Welcome().encode(buffer, 1, 5, 4096, 1, 4096, 4096, 1);
            case 2 -> new RegisterRegion().encode(buffer, 1, 2, 1 << 20, 1 << 20, "r");
            case 3 ->
                new RangeRequest()
                        .begin(buffer, MessageType.PIN, 1, 3)
                        .add(4096, 4096)
                        .add(8192, 4096);
            case 4 ->
                new Launch()
                        .begin(buffer, 1)
                        .add(1L)
                        .addMemory(4096, 4096)
                        .add(1.5)
                        .target("d", "a.B");
            case 5 -> new Query().encode(buffer, MessageType.SMAPS, 1, 7);
            case 6 ->
                new Counters()
                        .begin(buffer, 1, 7, Following.LAST, "s")
                        .add("one", 1)
                        .add("two", 2);
            case 7 -> new Text().encode(buffer, 1, Following.MORE, "text\n");
            default -> new Failure().encode(buffer, 1, ErrorCode.LOST, "detail");
        };
        return message.length();
    }

    /** Calls the accessors of a message that was accepted. */
    private static void touch(Message message) {
        Object seen = switch (message) {
            case Hello m -> List.of(m.role(), m.name(), m.ramBytes(), m.pageBytes(), m.speaks(1));
            case Welcome m -> List.of(m.blockBytes(), m.client(), m.ramBytes(), m.maxRegions());
            case RegisterRegion m -> List.of(m.region(), m.address(), m.bytesMapped(), m.name());
            case RangeRequest m -> {
                long sum = (long) m.region() + m.advice().code();
                for (int i = 0; i < m.count(); i++) {
                    sum += m.offset(i) + m.rangeBytes(i);
                }
                yield sum;
            }
            case Launch m -> {
                double sum = 0;
                for (int i = 0; i < m.count(); i++) {
                    sum += switch (m.kind(i)) {
                        case LONG -> m.longValue(i);
                        case DOUBLE -> m.doubleValue(i);
                        case MEMORY -> m.address(i) + m.memoryBytes(i);
                    };
                }
                yield List.of(m.device(), m.className(), sum);
            }
            case Query m -> m.pid();
            case Counters m -> List.of(m.subject(), m.entries(), m.following());
            case Text m -> List.of(m.text(), m.following());
            case Failure m -> List.of(m.code(), m.detail());
            default -> message.bytes();
        };
        assertThat(seen).isNotNull();
    }
}
