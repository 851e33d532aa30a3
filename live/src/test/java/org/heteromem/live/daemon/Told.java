package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A {@link ToldClient} in a JVM of its own, which does what it is told. */
final class Told {
    private static final long PATIENCE_SECONDS = 60;

    final Process process;
    final String welcome;
    private final BufferedReader out;
    private final Writer in;
    private final Supplier<String> log;

    /**
     * Starts it.
     *
     * @param log what its daemon says, for the message of a failure
     */
    Told(Path socket, long ram, Supplier<String> log) throws IOException {
        this.log = log;
        process = Jvm.start(ToldClient.class, ProcessBuilder.Redirect.PIPE, socket, Long.toString(ram));
        out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        in = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
        welcome = String.valueOf(out.readLine());
    }

    String tell(String words) throws IOException {
        in.write(words + '\n');
        in.flush();
        return String.valueOf(out.readLine());
    }

    void expect(String answer, String words) throws IOException {
        assertThat(tell(words)).as(() -> words + "\n" + log.get()).startsWith(answer);
    }

    int leave() throws IOException, InterruptedException {
        in.close();
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
