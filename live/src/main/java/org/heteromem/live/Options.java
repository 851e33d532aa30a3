package org.heteromem.live;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.stream.Stream;
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

    /** Changed only before the options that have it are there. */
    private static final class Values {
        OptionalLong ramBytes = OptionalLong.empty();
        List<Overflow> overflow = List.of();
        Optional<Path> socket = Optional.empty();
        Optional<String> name = Optional.empty();
        Optional<OnLoss> onLoss = Optional.empty();
        List<Path> kernels = List.of();
        OptionalLong acceleratorBytes = OptionalLong.empty();
        Optional<String> victims = Optional.empty();

        Values copy() {
            Values copy = new Values();
            copy.ramBytes = ramBytes;
            copy.overflow = overflow;
            copy.socket = socket;
            copy.name = name;
            copy.onLoss = onLoss;
            copy.kernels = kernels;
            copy.acceleratorBytes = acceleratorBytes;
            copy.victims = victims;
            return copy;
        }
    }

    private final Values values;

    private Options(Values values) {
        this.values = values;
    }

    private Options with(Consumer<Values> change) {
        Values changed = values.copy();
        change.accept(changed);
        return new Options(changed);
    }

    private static <T> List<T> longer(List<T> list, List<T> by) {
        return Stream.concat(list.stream(), by.stream()).toList();
    }

    /** Nothing given. A private daemon then has a quarter of the memory that programs may use here, and no devices. */
    public static Options defaults() {
        return new Options(new Values());
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
     * @param bytes whole pages of 4096 bytes; a daemon gives no less than 1 MiB
     */
    public static Options ram(long bytes) {
        return withRam(MemorySize.check(bytes, "RAM"));
    }

    private static Options withRam(long bytes) {
        return defaults().with(all -> all.ramBytes = OptionalLong.of(bytes));
    }

    /**
     * Adds a device behind those added before: pages go to the first with room.
     *
     * @param device such as {@code compressed}; a private daemon that does not know it says which it knows
     * @param size as for {@link #ram(String)}; from 1 MiB to 1 TiB
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
        Overflow added = new Overflow(device, MemorySize.check(bytes, "device '" + device + "'"));
        return with(all -> all.overflow = longer(all.overflow, List.of(added)));
    }

    /** The daemon at this socket, and no other. It is told RAM and name; what devices it has is its own affair. */
    public Options socket(Path path) {
        Objects.requireNonNull(path);
        return with(all -> all.socket = Optional.of(path));
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
        return with(all -> all.name = Optional.of(newName));
    }

    /** What becomes of this program if it touches a page that is lost; {@link OnLoss#KILL} without. */
    public Options onLoss(OnLoss choice) {
        Objects.requireNonNull(choice);
        return with(all -> all.onLoss = Optional.of(choice));
    }

    /** Class path of the kernels that this program launches: jars and folders, in addition to those given before. */
    public Options kernels(Path... classPath) {
        List<Path> added = List.of(classPath);
        return with(all -> all.kernels = longer(all.kernels, added));
    }

    /**
     * A device that computes: an emulated accelerator in the daemon, with memory of its own, which runs kernels over this
     * program's memory ({@link Heteromem#launch}). Its memory holds pages that kernels use, and is no overflow.
     *
     * @param size of its memory, as for {@link #ram(String)}; from 64 KiB to 1 TiB
     * @throws IllegalArgumentException if the size is none
     */
    public Options accelerator(String size) {
        return accelerator(MemorySize.parse(size, "accelerator"));
    }

    /** {@link #accelerator(String)} with a size in bytes, whole pages. */
    public Options accelerator(long bytes) {
        OptionalLong checked = OptionalLong.of(MemorySize.check(bytes, "accelerator"));
        return with(all -> all.acceleratorBytes = checked);
    }

    /**
     * Who leaves RAM when it is full; {@code refault} without.
     *
     * @param policy as {@code heteromem policies} lists them, such as {@code refault+sampling}: with access sampling, which
     *     pays where devices are slow
     * @throws IllegalArgumentException if there is none of that name; names those there are
     */
    public Options victims(String policy) {
        Optional<String> known = Optional.of(Policies.victims(policy).name());
        return with(all -> all.victims = known);
    }

    /** RAM in bytes, if given. */
    public OptionalLong ramBytes() {
        return values.ramBytes;
    }

    /** The devices, in the order in which they fill. */
    public List<Overflow> overflow() {
        return values.overflow;
    }

    /** The socket, if given. */
    public Optional<Path> socket() {
        return values.socket;
    }

    /** The name, if given. */
    public Optional<String> name() {
        return values.name;
    }

    /** What to do about lost pages, if given. */
    public Optional<OnLoss> onLoss() {
        return values.onLoss;
    }

    /** Memory of the device that computes in bytes, if there is to be one. */
    public OptionalLong acceleratorBytes() {
        return values.acceleratorBytes;
    }

    /** Who leaves RAM, if given. */
    public Optional<String> victims() {
        return values.victims;
    }

    /** Class path of kernels. */
    public List<Path> kernels() {
        return values.kernels;
    }

    @Override
    public String toString() {
        return "options ram=" + (values.ramBytes.isPresent() ? values.ramBytes.getAsLong() : "any") + " overflow="
                + values.overflow + values.socket.map(s -> " socket=" + s).orElse("");
    }
}
