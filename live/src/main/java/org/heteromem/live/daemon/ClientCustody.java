package org.heteromem.live.daemon;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.live.keeper.Custody;
import org.heteromem.live.keeper.Item;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.PidFd;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * What of one client outlives the daemon: which descriptors are with the keeper, under which keys, and how a successor reads
 * them. Does nothing in a daemon that has no keeper. Used by the session's thread.
 *
 * <pre>
 *   client/N                 who it is: connection, process; which devices it has
 *   client/N/file/I          a file that goes with it; first of all, and the keeper removes it where no daemon does
 *   client/N/memory/PIECE    memory of its devices
 *   client/N/region/ID       a region: memfd, userfaultfd, ledger
 *   client/N/pin/REQUEST.I   a range that is pinned
 * </pre>
 */
final class ClientCustody {
    /** Maps a region that a predecessor has left. */
    @FunctionalInterface
    interface RegionHeir {
        void map(int id, String name, long address, long bytes, Memfd file, Userfault faults, Ledger ledger);
    }

    /** Pins a range that a predecessor has pinned. */
    @FunctionalInterface
    interface PinHeir {
        void pin(ClientPins.Range range, String key);
    }

    /**
     * What a successor is told of a client.
     *
     * @param pid its process
     * @param ramBytes its budget
     * @param name its name
     * @param devices its devices
     */
    record Told(int pid, long ramBytes, String name, ClientDevices devices) {
        private static final String SEPARATOR = "\0";

        /**
         * Checks that the devices of any client can be told.
         *
         * @throws IllegalArgumentException if the options name what is no device, or a keeper cannot hold so long a list
         */
        static void require(DaemonOptions options) {
            ClientDevices any = ClientDevices.of(options, Long.MAX_VALUE);
            Told longest = new Told(Integer.MAX_VALUE, Long.MAX_VALUE, "x".repeat(Wire.MAX_NAME_BYTES), any);
            if (!Item.fits(longest.text())) {
                throw new IllegalArgumentException("the overflow devices are too many, or their paths too long, for a"
                        + " keeper to remember them: " + any.lines());
            }
        }

        String text() {
            return pid + SEPARATOR + ramBytes + SEPARATOR + name + SEPARATOR + String.join(SEPARATOR, devices.lines());
        }

        static Told parse(String text) {
            List<String> parts = List.of(text.split(SEPARATOR, -1));
            return new Told(
                    Integer.parseInt(parts.get(0)),
                    Long.parseLong(parts.get(1)),
                    parts.get(2),
                    ClientDevices.parse(parts.subList(3, parts.size()).stream()
                            .filter(line -> !line.isEmpty())
                            .toList()));
        }
    }

    private final @Nullable Custody custody;
    private final String key;
    private final FailPoints points;
    /** Whether the keeper has anything of it. */
    private boolean holds;

    private final BitSet filesHeld = new BitSet();

    private boolean tookOver;

    ClientCustody(@Nullable Custody custody, long number, FailPoints points) {
        this.custody = custody;
        this.points = points;
        this.key = "client/" + number;
    }

    /** Whether there was a predecessor, which may have done what the client asks again. */
    boolean tookOver() {
        return tookOver;
    }

    // ---- given -------------------------------------------------------------------------------------------------

    /**
     * Before a client's files are made: whoever is killed from then on leaves none behind. Not those that are there already,
     * which may be somebody else's.
     */
    void entrust(List<Path> files) {
        for (int i = 0; custody != null && i < files.size(); i++) {
            if (Files.notExists(files.get(i))) {
                hold(i, files.get(i));
            }
        }
        points.passed(FailPoint.FILES_HELD);
    }

    /** All files that go with the client, in the same order. */
    void entrustAll(List<Path> files) {
        for (int i = 0; i < files.size(); i++) {
            hold(i, files.get(i));
        }
    }

    private void hold(int number, Path file) {
        if (custody != null && !filesHeld.get(number)) {
            filesHeld.set(number);
            holds = true;
            custody.hold(filePrefix() + number, file.toString());
        }
    }

    /** Before the first page of the client can be anywhere but in its own RAM, its things are with the keeper. */
    void entrust(ClientIdentity client, long ramBytes, Connection connection, PidFd process, ClientMemory memory) {
        if (custody == null) {
            return;
        }
        Told told = new Told(client.pid(), ramBytes, client.name(), memory.list());
        holds = true;
        custody.hold(key, told.text(), connection.socket().fd(), process.fd());
        points.passed(FailPoint.CLIENT_HELD);
        entrustAll(memory.overflowFiles().own());
        entrust(memory.durable());
        points.passed(FailPoint.CLIENT_ENTRUSTED);
    }

    private void entrust(DurableMemory memory) {
        Custody keeper = custody;
        if (keeper != null) {
            memory.entrust((piece, file) -> {
                keeper.hold(memoryPrefix() + piece, "", file.fd());
                points.passed(FailPoint.PIECE_HELD);
            });
        }
    }

    void entrust(Region region) {
        if (custody != null) {
            custody.hold(
                    regionPrefix() + region.id,
                    region.address + "\n" + region.bytes + "\n" + region.name,
                    region.memory.fd(),
                    region.faults.fd(),
                    region.ledger.memory().fd());
        }
    }

    /** Names the pin of one range of a request. */
    String pinKey(int request, int range) {
        return pinPrefix() + request + "." + range;
    }

    void entrust(ClientPins.Range range, String pinKey) {
        if (custody != null) {
            custody.hold(pinKey, range.address() + "\n" + range.bytes());
        }
    }

    // ---- given back --------------------------------------------------------------------------------------------

    void release(Region region) {
        release(regionPrefix() + region.id);
    }

    void releasePin(String pinKey) {
        release(pinKey);
    }

    /** Everything of the client. */
    void releaseAll() {
        release(key);
    }

    private void release(String what) {
        if (custody != null && holds) {
            custody.drop(what);
        }
    }

    // ---- taken over --------------------------------------------------------------------------------------------

    /** First: the memory of the devices. */
    void inherit(List<Item> items, DurableMemory memory) {
        holds = true;
        tookOver = true;
        for (Item item : items) {
            if (item.key().startsWith(filePrefix())) {
                filesHeld.set(Integer.parseInt(item.key().substring(filePrefix().length())));
            }
            if (item.key().startsWith(memoryPrefix())) {
                memory.inherit(
                        item.key().substring(memoryPrefix().length()),
                        Memfd.adopt(item.descriptors().get(0), item.key()));
            }
        }
        entrust(memory);
    }

    /** When the devices are there: the regions. */
    void inheritRegions(List<Item> items, RegionHeir heir) {
        for (Item item : items) {
            if (item.key().startsWith(regionPrefix())) {
                String[] told = item.payload().split("\n", 3);
                long bytes = Long.parseLong(told[1]);
                List<Fd> fds = item.descriptors();
                heir.map(
                        Integer.parseInt(item.key().substring(regionPrefix().length())),
                        told[2],
                        Long.parseLong(told[0]),
                        bytes,
                        Memfd.adopt(fds.get(0), item.key()),
                        Userfault.adopt(fds.get(1), item.key()),
                        Ledger.open(Memfd.adopt(fds.get(2), item.key()), Page.of(bytes)));
            }
        }
    }

    /** When the pages are mapped: what was pinned. */
    void inheritPins(List<Item> items, PinHeir heir) {
        for (Item item : items) {
            if (item.key().startsWith(pinPrefix())) {
                String[] told = item.payload().split("\n", 2);
                heir.pin(new ClientPins.Range(Long.parseLong(told[0]), Long.parseLong(told[1])), item.key());
            }
        }
    }

    private String filePrefix() {
        return key + "/file/";
    }

    private String memoryPrefix() {
        return key + "/memory/";
    }

    private String regionPrefix() {
        return key + "/region/";
    }

    private String pinPrefix() {
        return key + "/pin/";
    }
}
