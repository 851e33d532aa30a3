package org.heteromem.live.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.entry;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** What is put in comes out. */
class RoundTripTest {
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
    private final MessageReader reader = new MessageReader();

    private <M extends Message> M read(Message sent, Class<M> as) {
        MemorySegment copy = Arena.ofAuto().allocate(sent.length()).copyFrom(sent.bytes());
        Message received = reader.read(copy, sent.length());
        assertThat(received.type()).isEqualTo(sent.type());
        assertThat(received.correlation()).isEqualTo(sent.correlation());
        return as.cast(received);
    }

    @Test
    void hello() {
        Hello m = read(new Hello().encode(buffer, 1, Hello.Role.OBSERVER, 512L << 20, 4096, "lucène"), Hello.class);
        assertThat(m.role()).isEqualTo(Hello.Role.OBSERVER);
        assertThat(m.ramBytes()).isEqualTo(512L << 20);
        assertThat(m.pageBytes()).isEqualTo(4096);
        assertThat(m.name()).isEqualTo("lucène");
        assertThat(m.speaks(Wire.VERSION)).isTrue();
        assertThat(m.speaks(Wire.VERSION + 1)).isFalse();
    }

    @Test
    void welcome() {
        Welcome m = read(new Welcome().encode(buffer, 2, 4711, 1 << 16, 17, 1L << 30, 1L << 40, 100), Welcome.class);
        assertThat(m.daemonPid()).isEqualTo(4711);
        assertThat(m.blockBytes()).isEqualTo(65_536);
        assertThat(m.client()).isEqualTo(17);
        assertThat(m.ramBytes()).isEqualTo(1L << 30);
        assertThat(m.maxRegionBytes()).isEqualTo(1L << 40);
        assertThat(m.maxRegions()).isEqualTo(100);
    }

    @Test
    void regions() {
        RegisterRegion m =
                read(new RegisterRegion().encode(buffer, -1, 5, 0x7f00_0000_0000L, 4L << 30, ""), RegisterRegion.class);
        assertThat(m.region()).isEqualTo(5);
        assertThat(m.address()).isEqualTo(0x7f00_0000_0000L);
        assertThat(m.bytesMapped()).isEqualTo(4L << 30);
        assertThat(m.name()).isEmpty();
        assertThat(read(new UnregisterRegion().encode(buffer, 9, 5), UnregisterRegion.class)
                        .region())
                .isEqualTo(5);
    }

    @Test
    void ranges() {
        for (MessageType type : MessageType.values()) {
            RangeRequest request = new RangeRequest();
            if (request.accepts(type) && type != MessageType.ADVISE) {
                request.begin(buffer, type, 3, 7).add(0, 4096).add(1 << 20, 8192);
                RangeRequest m = read(request, RangeRequest.class);
                assertThat(m.region()).isEqualTo(7);
                assertThat(m.count()).isEqualTo(2);
                assertThat(m.offset(1)).isEqualTo(1 << 20);
                assertThat(m.rangeBytes(1)).isEqualTo(8192);
            }
        }
        RangeRequest advice =
                new RangeRequest().beginAdvice(buffer, 0, 7, UsageAdvice.COLD).add(4096, 4096);
        assertThat(read(advice, RangeRequest.class).advice()).isEqualTo(UsageAdvice.COLD);
        RangeRequest unpin = new RangeRequest().beginUnpin(buffer, 9, 7, -5).add(4096, 4096);
        assertThat(read(unpin, RangeRequest.class).pin()).isEqualTo(-5);
    }

    @Test
    void asManyRangesAsTheLimitSaysFitIntoOneMessage() {
        RangeRequest request = new RangeRequest().begin(buffer, MessageType.PREFETCH, 1, 0);
        for (int i = 0; i < Wire.MAX_RANGES; i++) {
            request.add(i * 8192L, 4096);
        }
        RangeRequest m = read(request, RangeRequest.class);
        assertThat(m.offset(Wire.MAX_RANGES - 1)).isEqualTo((Wire.MAX_RANGES - 1) * 8192L);
        assertThatExceptionOfType(MalformedMessageException.class)
                .isThrownBy(() -> request.add(0, 4096))
                .withMessageContaining("at most 4000");
    }

    @Test
    void launch() {
        Launch sent = new Launch()
                .begin(buffer, 8)
                .add(42L)
                .add(0.5)
                .addMemory(0x7f00_0000_1000L, 100)
                .target("accelerator", "org.example.PageRank");
        Launch m = read(sent, Launch.class);
        assertThat(m.count()).isEqualTo(3);
        assertThat(m.longValue(0)).isEqualTo(42);
        assertThat(m.doubleValue(1)).isEqualTo(0.5);
        assertThat(m.address(2)).isEqualTo(0x7f00_0000_1000L);
        assertThat(m.memoryBytes(2)).isEqualTo(100);
        assertThat(m.device()).isEqualTo("accelerator");
        assertThat(m.className()).isEqualTo("org.example.PageRank");
        assertThatIllegalStateException().isThrownBy(() -> m.longValue(1)).withMessageContaining("DOUBLE");
    }

    @Test
    void questionsAndAnswers() {
        assertThat(read(new Query().encode(buffer, MessageType.STATUS, 1, 0), Query.class)
                        .pid())
                .isZero();
        assertThat(read(new Query().encode(buffer, MessageType.SMAPS, 1, 99), Query.class)
                        .pid())
                .isEqualTo(99);
        Counters counters = new Counters().begin(buffer, 4, 99, Following.MORE, "java Sort");
        counters.add("ram", 1L << 40).add("faults", 0).add("drift", -5);
        Counters m = read(counters, Counters.class);
        assertThat(m.pid()).isEqualTo(99);
        assertThat(m.following()).isEqualTo(Following.MORE);
        assertThat(m.subject()).isEqualTo("java Sort");
        assertThat(m.entries()).containsExactly(entry("ram", 1L << 40), entry("faults", 0L), entry("drift", -5L));
        Text text = read(new Text().encode(buffer, 5, Following.LAST, "a\tb\nc"), Text.class);
        assertThat(text.text()).isEqualTo("a\tb\nc");
        assertThat(text.following()).isEqualTo(Following.LAST);
        Done done = read(new Done().encode(buffer, 6, -1, 3), Done.class);
        assertThat(done.value()).isEqualTo(-1);
        assertThat(done.skipped()).isEqualTo(3);
    }

    @Test
    void errorsMayQuoteAnything() {
        String hostile = "name \u001b[31m\r\nroot: \u0085\u009f\ud800" + "ü€".repeat(5000);
        Failure m = read(new Failure().encode(buffer, 7, ErrorCode.LIMIT, hostile), Failure.class);
        assertThat(m.code()).isEqualTo(ErrorCode.LIMIT);
        assertThat(m.detail()).startsWith("name  [31m  root:   ?ü€ü");
    }

    @Test
    void everyNumberIsItsOwn() {
        for (MessageType type : MessageType.values()) {
            assertThat(MessageType.of(type.code())).contains(type);
        }
        for (ErrorCode code : ErrorCode.values()) {
            assertThat(ErrorCode.of(code.code())).contains(code);
        }
        for (UsageAdvice advice : UsageAdvice.values()) {
            assertThat(UsageAdvice.of(advice.code())).contains(advice);
        }
    }

    @Test
    void mistakesOfTheSenderAreCaughtBeforeSending() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Hello().encode(buffer, 1, Hello.Role.CLIENT, 0, 4096, "x".repeat(129)))
                .withMessageContainingAll("name", "129", "128");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Hello().encode(buffer, 1, Hello.Role.CLIENT, 0, 4096, "two\nlines"))
                .withMessageContaining("control character 10 at 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Query().encode(buffer, MessageType.DONE, 1, 0))
                .withMessageContainingAll("Query", "DONE");
        MemorySegment small = Arena.ofAuto().allocate(20);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Done().encode(small, 1, 0, 0))
                .withMessageContainingAll("DONE", "32 bytes", "buffer 20");
    }
}
