package org.heteromem.live.doctor;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.Userfault;

/** The machine this JVM runs on. */
final class LinuxMachine implements Machine {
    @Override
    public String osName() {
        return System.getProperty("os.name", "");
    }

    @Override
    public String osArch() {
        return System.getProperty("os.arch", "");
    }

    @Override
    public Optional<String> text(Path file) {
        // Not Files.readString: it begins with one byte where the size is 0, and a number under /proc/sys is given to
        // the first read only.
        try (InputStream in = Files.newInputStream(file)) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] some = new byte[1 << 16];
            for (int n = in.read(some); n > 0; n = in.read(some)) {
                all.write(some, 0, n);
            }
            return Optional.of(all.toString(StandardCharsets.UTF_8));
        } catch (IOException e) {
            return Optional.empty(); // absent or not for us: the doctor says which checks it could not make
        }
    }

    @Override
    public Userfault.Probe probe(Userfault.Route route) {
        return Userfault.probe(route, Userfault.DEVICE);
    }

    @Override
    public Optional<String> memfdTrouble() {
        try (Memfd memory = Memfd.create("heteromem-doctor", pageBytes())) {
            memory.addSeals(Memfd.REGION_SEALS);
            return Optional.empty();
        } catch (NativeException e) {
            return Optional.of(e.toString());
        }
    }

    @Override
    public int pageBytes() {
        return Processes.pageBytes();
    }
}
