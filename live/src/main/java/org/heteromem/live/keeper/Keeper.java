package org.heteromem.live.keeper;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.PidFd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;
import org.jspecify.annotations.Nullable;

/** The keeper's loop: one thread, one worker, a map of items. */
final class Keeper implements AutoCloseable {
    private static final int NOTICE_MILLIS = 200;
    /** How long it waits for the one who has started it. */
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(2);
    /** A worker that never gets as far as this has a defect, and starting it ever faster helps nobody. */
    private static final int LONGEST_PAUSE_MILLIS = 5_000;

    private final Path socket;
    private final boolean restarts;
    private final @Nullable PidFd owner;
    private final Consumer<String> log;
    private final UnixSocket listening;
    private final Packet packet = new Packet();
    private final Map<String, Item> items = new LinkedHashMap<>();
    private @Nullable UnixSocket worker;
    private int workerPid;
    private @Nullable Process started;
    private List<String> command = List.of();
    private int pauseMillis;
    private boolean everServed;
    private final long begin = System.nanoTime();
    private boolean ownerGone;
    /** Whether it was started in the place of one that was killed, and the owner had ended by then. */
    private final boolean late;

    /**
     * @param socket where workers find it
     * @param owner process that all of it is for, or 0; with an owner a worker that dies is started again
     */
    Keeper(Path socket, int owner, Consumer<String> log) {
        this.socket = socket;
        this.restarts = owner != 0;
        this.owner = owner == 0 ? null : PidFd.openIfAlive(owner);
        this.late = owner != 0 && this.owner == null;
        this.ownerGone = late;
        this.log = log;
        this.listening = UnixSocket.listen(socket, 4);
    }

    /** Keeps until there is nothing to keep and nobody to keep it for. */
    void run() {
        while (true) {
            Poller poller = new Poller(3);
            int incoming = poller.add(listening.fd(), Poller.IN);
            UnixSocket serving = worker;
            int speaking = serving == null ? -1 : poller.add(serving.fd(), Poller.IN);
            // Once is enough: from then on only the worker's end is waited for.
            int end = owner == null || ownerGone ? -1 : poller.add(owner.fd(), Poller.IN);
            poller.poll(serving == null ? NOTICE_MILLIS : -1);
            ownerGone |= end >= 0 && poller.ready(end) != 0;
            if (ownerGone && items.isEmpty() && (everServed || !late)) {
                return;
            }
            if (serving != null && poller.ready(speaking) != 0 && !serve(serving)) {
                lose();
            }
            if (poller.ready(incoming) != 0) {
                accept();
            }
            if (worker == null && !waitForWorker()) {
                return;
            }
        }
    }

    /** Nobody serves: starts somebody, or lets go of what nobody needs any more; false if there is nothing left to do. */
    private boolean waitForWorker() {
        if (!everServed && System.nanoTime() - begin > PATIENCE_NANOS) {
            log.accept("nobody has come: whoever started it was killed");
            return false;
        }
        dropDead();
        boolean clients = items.keySet().stream().anyMatch(key -> key.startsWith("client/"));
        if (restarts) {
            // A daemon that ends in good order leaves nothing here.
            if (items.isEmpty() || (ownerGone && !clients)) {
                return !everServed && (late || !ownerGone);
            }
            if (started == null || !started.isAlive()) {
                restart();
            }
            return true;
        }
        return clients || !everServed;
    }

    private void restart() {
        if (command.isEmpty()) {
            return;
        }
        try {
            TimeUnit.MILLISECONDS.sleep(pauseMillis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        pauseMillis = Math.min(LONGEST_PAUSE_MILLIS, pauseMillis * 2 + 10);
        Process last = started;
        String how = last == null ? "" : " with exit value " + last.exitValue();
        try {
            started = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            log.accept("the daemon has died" + how + "; " + started.pid() + " takes over " + items.size() + " items");
        } catch (IOException e) {
            log.accept("the daemon has died and cannot be started again: " + e.getMessage());
        }
    }

    /** Clients that ended while nobody watched. */
    private void dropDead() {
        for (Item item : List.copyOf(items.values())) {
            String[] parts = item.key().split("/", -1);
            if (parts.length == 2 && parts[0].equals("client") && gone(item)) {
                removeFiles(item.key() + "/file/");
                drop(item.key());
            }
        }
    }

    /** What it kept on disks; there is no daemon that would take it away. */
    private void removeFiles(String prefix) {
        for (Item item : items.values()) {
            if (item.key().startsWith(prefix)) {
                removeUnused(Path.of(item.payload()));
            }
        }
    }

    /** A daemon at another socket may have been given the same name: whoever uses the file has it locked. */
    private void removeUnused(Path file) {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
                FileLock lock = channel.tryLock()) {
            if (lock != null) {
                Files.delete(file);
            }
        } catch (IOException e) {
            log.accept("the overflow file " + file + " could not be removed: " + e);
        }
    }

    private static boolean gone(Item client) {
        Poller poller = new Poller(1);
        poller.add(client.descriptors().get(1), Poller.IN);
        return poller.poll(0) > 0;
    }

    private void accept() {
        UnixSocket coming = listening.accept();
        try {
            UnixSocket.Peer peer = coming.peer();
            int pid = peer.pid();
            if (peer.uid() != Processes.effectiveUserId()) {
                // What is kept is this user's memory.
                coming.close();
                log.accept("user " + peer.uid() + " is given nothing");
                return;
            }
            if (worker != null) {
                packet.send(coming, Packet.Kind.REFUSED, "", Integer.toString(workerPid));
                coming.close();
                return;
            }
            for (Item item : items.values()) {
                packet.send(coming, Packet.Kind.ITEM, item);
            }
            packet.send(coming, Packet.Kind.BEGIN);
            worker = coming;
            workerPid = pid;
            everServed = true;
        } catch (NativeException e) {
            coming.close();
            log.accept("a daemon left before it was given what is kept: " + e.getMessage());
        }
    }

    private boolean serve(UnixSocket from) {
        try {
            Optional<Packet.Received> received = packet.receive(from);
            if (received.isEmpty()) {
                return false;
            }
            Packet.Received message = received.get();
            switch (message.kind()) {
                case HOLD -> {
                    Item old = items.put(message.key(), message.item());
                    if (old != null) {
                        old.closeDescriptors();
                    }
                    pauseMillis = 0;
                }
                case DROP -> drop(message.key());
                case WORKER -> {
                    command = Commands.read(message.descriptors().getFirst());
                    message.descriptors().forEach(Fd::close);
                }
                default -> throw new IllegalStateException("a worker does not say " + message.kind());
            }
            packet.send(from, Packet.Kind.DONE);
            return true;
        } catch (NativeException e) {
            return false;
        }
    }

    private void drop(String key) {
        List<String> gone = new ArrayList<>();
        for (Item item : items.values()) {
            if (item.belongsTo(key)) {
                gone.add(item.key());
            }
        }
        for (String each : gone) {
            Item item = items.remove(each);
            if (item != null) {
                item.closeDescriptors();
            }
        }
    }

    private void lose() {
        UnixSocket lost = worker;
        if (lost != null) {
            lost.close();
        }
        worker = null;
        dropUnborn();
    }

    /** Files of clients that were only just welcomed, or not yet: their daemon was killed, and nobody can serve them. */
    private void dropUnborn() {
        for (Item item : List.copyOf(items.values())) {
            String[] parts = item.key().split("/", 4);
            if (parts.length == 4 && parts[2].equals("file") && !items.containsKey("client/" + parts[1])) {
                removeUnused(Path.of(item.payload()));
                drop(item.key());
            }
        }
    }

    @Override
    public void close() {
        lose();
        listening.close();
        if (owner != null) {
            owner.close();
        }
        items.values().forEach(Item::closeDescriptors);
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            log.accept("the socket " + socket + " could not be removed: " + e.getMessage());
        }
    }
}
