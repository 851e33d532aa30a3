package org.heteromem.cli.daemon;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.File;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.run.OverflowSpec;
import org.heteromem.cli.run.Sizes;
import org.heteromem.live.daemon.DaemonOptions;
import org.heteromem.live.doctor.Doctor;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * What a daemon can be told, by a file or on the command line; null or empty is what was not said.
 *
 * <pre>
 *   # heteromem.toml
 *   socket     = "/run/user/1000/heteromem/daemon.sock"
 *   ram        = "8G"              # for all clients together
 *   client-ram = "2G"              # for a client that names no figure
 *   overflow   = ["compressed:4G", "file:/var/tmp/overflow:64G"]   # of each client, in this order
 *   on-loss    = "kill"            # or "throw"
 *   victims    = "refault"         # who leaves RAM
 *   device     = "accelerator:256M"          # of each client, for kernels
 *   kernels    = ["/opt/app/kernels.jar"]    # their class path
 *   metrics    = 9464              # port on the loopback address
 * </pre>
 *
 * @param socket where clients find it
 * @param ram RAM for all clients, as people write sizes
 * @param clientRam RAM for a client that names no figure
 * @param overflow devices of each client for what does not fit, fastest first, as {@code KIND:SIZE}
 * @param onLoss what becomes of a client whose page cannot be produced
 * @param victims name of the policy that chooses who leaves RAM
 * @param device the device of each client that runs kernels, as {@code accelerator:SIZE}
 * @param kernels jars and folders that kernels come from
 * @param metrics port of the metrics on the loopback address, 0 for any that is free
 */
public record DaemonSettings(
        @Nullable Path socket,
        @Nullable String ram,
        @JsonProperty("client-ram") @Nullable String clientRam,
        List<String> overflow,
        @JsonProperty("on-loss") @Nullable String onLoss,
        @Nullable String victims,
        @Nullable String device,
        List<String> kernels,
        @Nullable Integer metrics) {
    /** Nothing said. */
    public static final DaemonSettings NONE =
            new DaemonSettings(null, null, null, List.of(), null, null, null, List.of(), null);

    private static final int MAX_PORT = 65535;
    private static final int RAM_PART = 2;
    private static final int CLIENT_PART = 4;
    private static final long MAX_RAM_BYTES = 1L << 47;

    /** Copies the lists. */
    @SuppressWarnings("NullAway") // A file may leave it out, and Jackson then hands over null.
    public DaemonSettings {
        overflow = overflow == null ? List.of() : List.copyOf(overflow);
        kernels = kernels == null ? List.of() : List.copyOf(kernels);
    }

    /**
     * Reads a file.
     *
     * @throws BadInputException if it is missing, no TOML, or says something that nobody understands; names file and line
     * @throws IOException if it cannot be read
     */
    public static DaemonSettings read(Path file) throws IOException {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new BadInputException("--config: no such file: " + file, e);
        } catch (MalformedInputException e) {
            throw new BadInputException("--config: " + file + " is not UTF-8 text", e);
        }
        try {
            return TomlMapper.builder()
                    .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build()
                    .readValue(text, DaemonSettings.class);
        } catch (UnrecognizedPropertyException e) {
            String known = Objects.requireNonNullElse(e.getKnownPropertyIds(), List.of()).stream()
                    .map(Object::toString)
                    .sorted()
                    .collect(Collectors.joining(", "));
            String key = e.getPropertyName();
            throw new BadInputException(
                    file + lineOf(text, key) + ": unknown key '" + key + "': choose one of " + known, e);
        } catch (DatabindException e) {
            String key = e.getPath().isEmpty() ? "" : e.getPath().getFirst().getPropertyName();
            throw new BadInputException(
                    file + lineOf(text, key) + ": " + (key.isEmpty() ? "" : "'" + key + "': ") + e.getOriginalMessage(),
                    e);
        } catch (JacksonException e) {
            int line = e.getLocation() == null ? -1 : e.getLocation().getLineNr();
            throw new BadInputException(file + (line < 1 ? "" : ":" + line) + ": " + e.getOriginalMessage(), e);
        }
    }

    /** The parser has no places for values that it took: the line that begins with the key. */
    private static String lineOf(String text, @Nullable String key) {
        if (key == null || key.isEmpty()) {
            return "";
        }
        Pattern begin = Pattern.compile("\\s*\\[*\\s*[\"']?" + Pattern.quote(key) + "[\"']?\\s*[=.\\]].*");
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            if (begin.matcher(lines.get(i)).matches()) {
                return ":" + (i + 1);
            }
        }
        return "";
    }

    /** {@return these settings, and for what they do not say those of another} */
    public DaemonSettings orElse(DaemonSettings other) {
        return new DaemonSettings(
                socket == null ? other.socket : socket,
                ram == null ? other.ram : ram,
                clientRam == null ? other.clientRam : clientRam,
                overflow.isEmpty() ? other.overflow : overflow,
                onLoss == null ? other.onLoss : onLoss,
                victims == null ? other.victims : victims,
                device == null ? other.device : device,
                kernels.isEmpty() ? other.kernels : kernels,
                metrics == null ? other.metrics : metrics);
    }

    /**
     * {@return what a daemon is made with; what nobody said is half of the memory for RAM, a quarter for a client, and as
     * much compressed memory as RAM for overflow}
     *
     * @param defaultSocket used if none is named
     * @throws BadInputException if a value cannot be used
     */
    public DaemonOptions options(Path defaultSocket) {
        long memory = Doctor.memoryBytes();
        long ramBytes = ram == null
                ? part(memory, RAM_PART)
                : Sizes.parse("--ram", ram, DaemonOptions.MIN_RAM_BYTES, MAX_RAM_BYTES);
        long clientBytes = clientRam == null
                ? Math.min(ramBytes, part(memory, CLIENT_PART))
                : Sizes.parse("--client-ram", clientRam, DaemonOptions.MIN_RAM_BYTES, MAX_RAM_BYTES);
        if (clientBytes > ramBytes) {
            throw new BadInputException(
                    "--client-ram: " + Sizes.format(clientBytes) + " is more than --ram, " + Sizes.format(ramBytes));
        }
        if (metrics != null && (metrics < 0 || metrics > MAX_PORT)) {
            throw new BadInputException("--metrics: port " + metrics + " is out of range: from 0 to " + MAX_PORT);
        }
        List<String> devices = overflow.isEmpty()
                ? List.of(OverflowSpec.defaultDevice() + ":" + ramBytes)
                : overflow.stream()
                        .map(text -> {
                            OverflowSpec one = OverflowSpec.parse("--overflow", text);
                            return one.device() + ":" + one.bytes();
                        })
                        .toList();
        DaemonOptions options = new DaemonOptions(
                socket == null ? defaultSocket : socket.toAbsolutePath(),
                ramBytes,
                clientBytes,
                devices,
                lossOf(onLoss),
                0);
        String policy = victims;
        if (policy != null) {
            options = with("--victims", options, plain -> plain.withVictims(policy));
        }
        String computing = device;
        if (computing != null) {
            options = with("--device", options, plain -> plain.withDevices(List.of(computing)));
        }
        List<Path> classPath = kernels.stream()
                .flatMap(path -> Stream.of(path.split(File.pathSeparator)))
                .map(path -> Path.of(path).toAbsolutePath())
                .toList();
        return with("--kernels", options, plain -> plain.withKernels(classPath));
    }

    /** What the daemon refuses, in the words of who asked. */
    private static DaemonOptions with(String option, DaemonOptions plain, UnaryOperator<DaemonOptions> change) {
        try {
            return change.apply(plain);
        } catch (IllegalArgumentException e) {
            throw new BadInputException(option + ": " + e.getMessage(), e);
        }
    }

    private static long part(long memory, int part) {
        return Math.max(DaemonOptions.MIN_RAM_BYTES, memory / part & -DaemonOptions.MIN_RAM_BYTES);
    }

    private static DaemonOptions.OnLoss lossOf(@Nullable String text) {
        return switch (text == null ? "kill" : text.toLowerCase(Locale.ROOT)) {
            case "kill" -> DaemonOptions.OnLoss.KILL;
            case "throw" -> DaemonOptions.OnLoss.THROW;
            default -> throw new BadInputException("--on-loss: '" + text + "' is neither kill nor throw");
        };
    }
}
