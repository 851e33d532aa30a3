package org.heteromem.live.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.abort;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import org.heteromem.live.natives.NativeFile.Access;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeFileTest {
    private static final Set<Access> NEW = EnumSet.of(Access.READ, Access.WRITE, Access.CREATE, Access.EXCLUSIVE);

    @TempDir
    Path directory;

    @Test
    void whatIsWrittenPastThePageCacheIsOnTheFile() throws Exception {
        Path path = directory.resolve("direct");
        EnumSet<Access> access = EnumSet.copyOf(NEW);
        access.add(Access.DIRECT);
        access.add(Access.DSYNC);
        try (NativeFile file = NativeFile.open(path, access);
                Arena arena = Arena.ofConfined()) {
            file.preallocate(0, 1 << 20);
            assertThat(file.status().sizeBytes()).isEqualTo(1 << 20);
            MemorySegment block = arena.allocate(64 << 10, 4096).fill((byte) 7);
            file.write(128 << 10, block);
            block.fill((byte) 0);
            file.read(128 << 10, block);
            assertThat(block.get(ValueLayout.JAVA_BYTE, 65_535)).isEqualTo((byte) 7);
            assertThat(Files.readAllBytes(path)[128 << 10]).isEqualTo((byte) 7);
            assertThatExceptionOfType(NativeException.class)
                    .as("unaligned")
                    .isThrownBy(() -> file.write(1, block))
                    .withMessageContainingAll("pwrite", "direct", "offset=1", "length=65536", "EINVAL (22");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rw-------");
        } catch (NativeException e) {
            if (e.call().equals("open") && e.errno() == Errno.EINVAL) {
                abort("not run: the file system of " + directory + " has no direct I/O");
            }
            throw e;
        }
    }

    @Test
    void aFileThatEndsEarlySaysWhere() throws Exception {
        Path path = Files.write(directory.resolve("short"), new byte[5000]);
        try (NativeFile file = NativeFile.open(path, Set.of(Access.READ));
                Arena arena = Arena.ofConfined()) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> file.read(4096, arena.allocate(4096)))
                    .withMessageContainingAll("short", "offset 5000", "3192 bytes short");
        }
    }

    @Test
    void errorsOfOpenNamePathAndReason() {
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> NativeFile.open(directory.resolve("absent"), Set.of(Access.READ)))
                .withMessageContainingAll("open", "absent", "ENOENT (2")
                .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    @Test
    void aFullDeviceIsAnErrorAndNotAShortFile() {
        try (NativeFile full = NativeFile.open(Path.of("/dev/full"), Set.of(Access.WRITE));
                Arena arena = Arena.ofConfined()) {
            assertThatExceptionOfType(NativeException.class)
                    .isThrownBy(() -> full.write(0, arena.allocate(4096)))
                    .withMessageContaining("ENOSPC (28");
        }
    }

    @Test
    void sealsHold() {
        try (Memfd memory = Memfd.create("sealed", 8192)) {
            memory.addSeals(Memfd.REGION_SEALS);
            assertThatExceptionOfType(NativeException.class)
                    .isThrownBy(() -> memory.truncate(4096))
                    .withMessageContainingAll("ftruncate", "length=4096", "EPERM");
            assertThatExceptionOfType(NativeException.class).isThrownBy(() -> memory.truncate(16384));
            assertThatExceptionOfType(NativeException.class)
                    .isThrownBy(() -> memory.addSeals(Memfd.SEAL_WRITE))
                    .withMessageContaining("F_ADD_SEALS) WRITE");
            memory.punchHole(0, 4096);
        }
    }

    @Test
    void aStrangersMemoryMustBeSealedExactlySo() throws Exception {
        try (Memfd unsealed = Memfd.create("unsealed", 4096);
                Memfd shrinkable = Memfd.create("shrinkable", 4096);
                Memfd frozen = Memfd.create("frozen", 4096);
                Memfd right = Memfd.create("right", 4096)) {
            assertRefused(unsealed, "needed are SEAL|SHRINK|GROW");
            shrinkable.addSeals(Memfd.SEAL_GROW | Memfd.SEAL_SEAL);
            assertRefused(shrinkable, "SEAL|GROW");
            frozen.addSeals(Memfd.REGION_SEALS | Memfd.SEAL_WRITE);
            assertRefused(frozen, "SEAL|SHRINK|GROW|WRITE");
            right.addSeals(Memfd.REGION_SEALS);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Memfd.adoptRegion(right.fd().duplicate(), "region 3", 65_536))
                    .withMessageContainingAll("region 3", "4096", "65536");
            try (Memfd adopted = Memfd.adoptRegion(right.fd().duplicate(), "region 3", 4096)) {
                assertThat(adopted.status().inode()).isEqualTo(right.status().inode());
            }
        }
        Path path = Files.write(directory.resolve("file"), new byte[4096]);
        try (NativeFile file = NativeFile.open(path, Set.of(Access.READ));
                EventFd event = EventFd.create()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Memfd.adoptRegion(file.fd().duplicate(), "region 3", 4096))
                    .withMessageContainingAll("region 3", path.toString(), "not a memfd");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Memfd.adoptRegion(event.fd().duplicate(), "region 3", 4096))
                    .withMessageContaining("not a memfd");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Userfault.adopt(event.fd().duplicate(), "client 17"))
                    .withMessageContainingAll("client 17", "eventfd");
        }
    }

    private static void assertRefused(Memfd memory, String... words) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Memfd.adoptRegion(memory.fd().duplicate(), "region 3", 4096))
                .withMessageContaining("region 3")
                .withMessageContainingAll(words);
    }
}
