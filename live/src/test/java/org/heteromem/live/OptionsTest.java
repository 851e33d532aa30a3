package org.heteromem.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
    @ParameterizedTest
    @CsvSource({
        "512M, 536870912",
        "8G, 8589934592",
        "1T, 1099511627776",
        "128T, 140737488355328",
        "64k, 65536",
        "64KiB, 65536",
        " 2GB , 2147483648",
        "4096, 4096",
        "0004K, 4096"
    })
    void sizesAreReadAsPeopleWriteThem(String text, long bytes) {
        assertThat(Options.ram(text).ramBytes()).hasValue(bytes);
        assertThat(Options.defaults().overflow("compressed", text).overflow())
                .containsExactly(new Options.Overflow("compressed", bytes));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "M", "12X", "-1G", "1.5G", "1 G", "0x10", "1GG", "٣M"})
    void whatIsNoSizeIsNamed(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Options.ram(text))
                .withMessageStartingWith("RAM: '" + text + "' is not a size")
                .withMessageContaining("512M");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Options.ram("1G").overflow("compressed", text))
                .withMessageStartingWith("device 'compressed': '" + text + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0G", "129T", "9999999999999999999999T", "9223372036854775807", "16777216T"})
    void sizesOutOfRangeAreNamed(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Options.ram(text))
                .withMessage("RAM: '" + text + "' is out of range: from 4K to 128T");
    }

    @Test
    void sizesAreWholePages() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Options.ram("5000"))
                .withMessageContaining("pages of 4096");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Options.ram(-4096))
                .withMessageContaining("-4096");
    }

    @Test
    void optionsDoNotChange() {
        Options first = Options.ram("1G");
        Options more = first.overflow("compressed", "1G")
                .overflow("file:/x", "2G")
                .name("n")
                .socket(Path.of("s"))
                .onLoss(OnLoss.THROW)
                .kernels(Path.of("a"))
                .kernels(Path.of("b"));
        assertThat(first.overflow()).isEmpty();
        assertThat(first.socket()).isEmpty();
        assertThat(more.overflow()).extracting(Options.Overflow::device).containsExactly("compressed", "file:/x");
        assertThat(more.kernels()).containsExactly(Path.of("a"), Path.of("b"));
        assertThat(more.ramBytes()).hasValue(1L << 30);
        assertThat(more.victims("2q").victims()).contains("2q");
        assertThat(more.victims()).isEmpty();
    }

    @Test
    void victimPoliciesThatAreNoneAreRefused() {
        assertThat(Options.defaults().victims("refault+sampling").victims()).contains("refault+sampling");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Options.defaults().victims("luck+sampling"))
                .withMessageContaining("'luck'")
                .withMessageContaining("refault");
    }

    @Test
    void namesThatCannotBeSentAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Options.defaults().name("x".repeat(129)));
        assertThatIllegalArgumentException().isThrownBy(() -> Options.defaults().name("a\nb"));
        for (String device : new String[] {"", " ", "a\u0000"}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Options.defaults().overflow(device, "1G"))
                    .withMessageContaining("'" + device + "'");
        }
    }
}
