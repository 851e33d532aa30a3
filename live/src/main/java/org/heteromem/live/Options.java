package org.heteromem.live;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.heteromem.policy.Policies;

/**
 * What {@link Heteromem#open} is to open. Immutable: each method returns changed options.
 *
 * <p>Which daemon serves is decided in this order:
 *
 * <ol>
 *   <li>the one at {@link #socket(Path)}, or else at the path in the environment variable {@value #SOCKET_VARIABLE},
 *       which {@code heteromem exec} sets; it must run;
 *   <li>a private one, started for this program, if devices, {@link #onLoss}, {@link #victims}, {@link #accelerator} or {@link
 *       #kernels} are given, since those are for a daemon of one's own;
 *   <li>the one at {@link Heteromem#defaultSocket()} if one runs there, else a private one.
 * </ol>
 *
 * <p>A daemon that runs already has its devices; of these options it hears the RAM and the name.
 *
 * <pre>{@code
 * Options.ram("512M").overflow("compressed", "2G").overflow("file:/mnt/fast/overflow", "64G")
 * }</pre>
 */
public final class Options {
    /** Environment variable with the path of a daemon's socket. */
    public static final String SOCKET_VARIABLE = "HETEROMEM_SOCKET";

    /** Longest {@link #name(String)}, in bytes of UTF-8. */
    public static final int MAX_NAME_BYTES = 128;

    /**
     * A device that takes what RAM has no room for.
     *
     * @param device kind of device, and after a colon what it needs to know, such as {@code file:/mnt/x}
     * @param bytes how much it may hold
     */
    public record Overflow(String device, long bytes) {}

    private final OptionalLong ramBytes;
    private final List<Overflow> overflow;
    private final Optional<Path> socket;
    private final Optional<String> name;
    private final Optional<OnLoss> onLoss;
    private final List<Path> kernels;
    private final OptionalLong acceleratorBytes;
    private final Optional<String> victims;

    private Options(
            OptionalLong ramBytes,
            List<Overflow> overflow,
            Optional<Path> socket,
            Optional<String> name,
            Optional<OnLoss> onLoss,
            List<Path> kernels,
            OptionalLong acceleratorBytes,
            Optional<String> victims) {
        this.ramBytes = ramBytes;
        this.overflow = List.copyOf(overflow);
        this.socket = socket;
        this.name = name;
        this.onLoss = onLoss;
        this.kernels = List.copyOf(kernels);
        this.acceleratorBytes = acceleratorBytes;
        this.victims = victims;
    }

    /** Nothing given. A private daemon then has a quarter of the memory that programs may use here, and no devices. */
    public static Options defaults() {
        return new Options(
                OptionalLong.empty(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                OptionalLong.empty(),
                Optional.empty());
    }

    /**
     * RAM that this program's managed memory may hold.
     *
     * @param size whole pages: a number with K, M, G or T for powers of 1024, such as {@code 512M}, or bytes
     * @throws IllegalArgumentException if it is no such size; names the text
     */
    public static Options ram(String size) {
        return withRam(MemorySize.parse(size, "RAM"));
    }

    /**
     * RAM that this program's managed memory may hold.
     *
     * @param bytes whole pages of 4096 bytes, at least one
     */
    public static Options ram(long bytes) {
        return withRam(MemorySize.check(bytes, "RAM"));
    }

    private static Options withRam(long bytes) {
        return new Options(
                OptionalLong.of(bytes),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                OptionalLong.empty(),
                Optional.empty());
    }

    /**
     * Adds a device behind those added before: pages go to the first with room.
     *
     * @param device such as {@code compressed}; a private daemon that does not know it says which it knows
     * @param size as for {@link #ram(String)}
     * @throws IllegalArgumentException if the size is none, or the device is empty or holds control characters
     */
    public Options overflow(String device, String size) {
        return overflow(device, MemorySize.parse(size, "device '" + device + "'"));
    }

    /** {@link #overflow(String, String)} with a size in bytes, whole pages. */
    public Options overflow(String device, long bytes) {
        if (device.isBlank() || device.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    "device '" + device + "': a kind, maybe with :PATH, without control characters is needed");
        }
        List<Overflow> longer = new ArrayList<>(overflow);
        longer.add(new Overflow(device, MemorySize.check(bytes, "device '" + device + "'")));
        return new Options(ramBytes, longer, socket, name, onLoss, kernels, acceleratorBytes, victims);
    }

    /** The daemon at this socket, and no other. */
    public Options socket(Path path) {
        return new Options(ramBytes, overflow, Optional.of(path), name, onLoss, kernels, acceleratorBytes, victims);
    }

    /**
     * Name of this program in the daemon's lists; without, its main class.
     *
     * @throws IllegalArgumentException if it has more than 128 bytes or holds control characters
     */
    public Options name(String newName) {
        if (newName.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES
                || newName.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    "name '" + newName + "': at most " + MAX_NAME_BYTES + " bytes without control characters");
        }
        return new Options(
                ramBytes, overflow, socket, Optional.of(newName), onLoss, kernels, acceleratorBytes, victims);
    }

    /** What becomes of this program if it touches a page that is lost; {@link OnLoss#KILL} without. */
    public Options onLoss(OnLoss choice) {
        return new Options(
                ramBytes,
                overflow,
                socket,
                name,
                Optional.of(Objects.requireNonNull(choice)),
                kernels,
                acceleratorBytes,
                victims);
    }

    /** Class path of the kernels that this program launches: jars and folders, in addition to those given before. */
    public Options kernels(Path... classPath) {
        List<Path> longer = new ArrayList<>(kernels);
        longer.addAll(List.of(classPath));
        return new Options(ramBytes, overflow, socket, name, onLoss, longer, acceleratorBytes, victims);
    }

    /**
     * A device that computes: an emulated accelerator in the daemon, with memory of its own, which runs kernels over this
     * program's memory ({@link Heteromem#launch}). Its memory holds pages that kernels use, and is no overflow.
     *
     * @param size of its memory, as for {@link #ram(String)}
     * @throws IllegalArgumentException if the size is none
     */
    public Options accelerator(String size) {
        return accelerator(MemorySize.parse(size, "accelerator"));
    }

    /** {@link #accelerator(String)} with a size in bytes, whole pages. */
    public Options accelerator(long bytes) {
        return new Options(
                ramBytes,
                overflow,
                socket,
                name,
                onLoss,
                kernels,
                OptionalLong.of(MemorySize.check(bytes, "accelerator")),
                victims);
    }

    /**
     * Who leaves RAM when it is full; {@code refault} without.
     *
     * @param policy as {@code heteromem policies} lists them, such as {@code refault+sampling}: with access sampling, which
     *     pays where devices are slow
     * @throws IllegalArgumentException if there is none of that name; names those there are
     */
    public Options victims(String policy) {
        return new Options(
                ramBytes,
                overflow,
                socket,
                name,
                onLoss,
                kernels,
                acceleratorBytes,
                Optional.of(Policies.victims(policy).name()));
    }

    /** RAM in bytes, if given. */
    public OptionalLong ramBytes() {
        return ramBytes;
    }

    /** The devices, in the order in which they fill. */
    public List<Overflow> overflow() {
        return overflow;
    }

    /** The socket, if given. */
    public Optional<Path> socket() {
        return socket;
    }

    /** The name, if given. */
    public Optional<String> name() {
        return name;
    }

    /** What to do about lost pages, if given. */
    public Optional<OnLoss> onLoss() {
        return onLoss;
    }

    /** Memory of the device that computes in bytes, if there is to be one. */
    public OptionalLong acceleratorBytes() {
        return acceleratorBytes;
    }

    /** Who leaves RAM, if given. */
    public Optional<String> victims() {
        return victims;
    }

    /** Class path of kernels. */
    public List<Path> kernels() {
        return kernels;
    }

    @Override
    public String toString() {
        return "options ram=" + (ramBytes.isPresent() ? ramBytes.getAsLong() : "any") + " overflow=" + overflow
                + socket.map(s -> " socket=" + s).orElse("");
    }
}
